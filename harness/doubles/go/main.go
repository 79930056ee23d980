// Command double stands for one component of the platform at its edges, as its contract describes them. It parses the
// settings as the real software does and refuses what that refuses, logs in to its stores with their own protocols,
// opens the ports with the paths that probes and neighbours ask, and ends when Kubernetes says so.
//
// Which component it is stands in /double.json (made by harness/doubles), whatever it is called by: the charts start
// real images with `sh -c ...`, `java`, `python3`, and all these names are links to this program.
//
// As `double probe ...` it is a TCP server and client for the network matrix.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
)

const descriptionFile = "/double.json"

func main() {
	log.SetFlags(log.LstdFlags | log.LUTC)
	if len(os.Args) > 1 && os.Args[1] == "probe" {
		exit(probe(os.Args[2:]))
	}
	file := descriptionFile
	if named := os.Getenv("INDIGO_DOUBLE"); named != "" { // where it runs without its image
		file = named
	}
	description, err := load(file)
	if err != nil {
		exit(err)
	}
	log.SetPrefix("double of " + description.Component + ": ")
	exit(description.run(os.Args, environment()))
}

func exit(err error) {
	if err != nil {
		log.Print(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Description is what the harness writes of a contract and of the double's own file.
type Description struct {
	Component string             `json:"component"`
	Title     string             `json:"title"`
	Settings  map[string]Setting `json:"settings"`
	Ports     map[string]Port    `json:"ports"`
	Grace     int                `json:"grace"`
	Stores    []Store            `json:"stores"`
	Files     []File             `json:"files"`
	Rules     []Rule             `json:"rules"`
	Answers   []Answer           `json:"answers"`
	Jobs      []Job              `json:"jobs"`
}

// Setting is one variable of the contract.
type Setting struct {
	Pattern  string   `json:"pattern"`
	Type     string   `json:"type"`
	Allowed  []string `json:"allowed"`
	Required bool     `json:"required"`
	Secret   bool     `json:"secret"`
	Trap     string   `json:"trap"`
}

// Port is one port of the contract.
type Port struct {
	Number   int    `json:"port"`
	Protocol string `json:"protocol"`
}

// Rule is what the software does not bear in a setting beyond its type.
type Rule struct {
	Setting string `json:"setting"`
	Must    string `json:"must"`
	Message string `json:"message"`
}

// File is one that has to be there; the path may hold ${SETTING}.
type File struct {
	Path string `json:"path"`
	JSON bool   `json:"json"`
}

// Answer is one path that is served on a port.
type Answer struct {
	Port string   `json:"port"`
	Path string   `json:"path"`
	Asks []string `json:"asks"`
	Body string   `json:"body"`
	Type string   `json:"type"`
}

// Job is a command that ends: the word in its arguments tells it from the server.
type Job struct {
	Word string `json:"word"`
	Says string `json:"says"`
}

func load(path string) (*Description, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read what it stands for: %w", err)
	}
	description := &Description{}
	if err := json.Unmarshal(content, description); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return description, nil
}
