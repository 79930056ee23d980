// Command double stands for one component of the platform at its edges, as its contract describes them. It parses the
// settings as the real software does and refuses what that refuses, logs in to its stores with their own protocols,
// opens the ports with the paths that probes and neighbours ask, and ends when Kubernetes says so.
//
// Which component it is stands in /double.json (made by harness/doubles), whatever it is called by: the charts start
// real images with `sh -c ...`, `java`, `python3`, and all these names are links to this program.
//
// As `double probe ...` it is a TCP server and client for the network matrix, as `double gateway` the site's gateway.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"

	"indigo-paas/doubles/gateway"
)

const descriptionFile = "/double.json"

func main() {
	log.SetFlags(log.LstdFlags | log.LUTC | log.Lmicroseconds)
	if len(os.Args) > 1 && os.Args[1] == "probe" {
		exit(probe(os.Args[2:]))
	}
	if len(os.Args) > 1 && os.Args[1] == "gateway" {
		log.SetPrefix("double of gateway: ")
		exit(gateway.Run(os.Args[2:]))
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
