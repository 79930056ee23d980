package main

// Description is what the harness writes of a contract and of the double's own file.
type Description struct {
	Component string             `json:"component"`
	Title     string             `json:"title"`
	Settings  map[string]Setting `json:"settings"`
	Configs   []Config           `json:"configs"`
	Ports     map[string]Port    `json:"ports"`
	Grace     int                `json:"grace"`
	Runs      bool               `json:"runs"` // a CronJob: it does its work once and ends
	Trust     Trust              `json:"trust"`
	Stores    []Store            `json:"stores"`
	Files     []File             `json:"files"`
	Rules     []Rule             `json:"rules"`
	Answers   []Answer           `json:"answers"`
	Jobs      []Job              `json:"jobs"`
	Log       *Log               `json:"log"`
	Streams   []Stream           `json:"streams"`
}

// Setting is one variable of the contract, or one key of a file.
type Setting struct {
	Pattern  string   `json:"pattern"`
	Type     string   `json:"type"`
	Allowed  []string `json:"allowed"`
	Required bool     `json:"required"`
	Secret   bool     `json:"secret"`
}

// Config is a file of settings: the contract says which keys there are.
type Config struct {
	Path     string             `json:"path"`
	Settings map[string]Setting `json:"settings"`
	Also     []string           `json:"also"` // keys that the software knows and the contract does not name
}

// Port is one port of the contract.
type Port struct {
	Number   int    `json:"port"`
	Protocol string `json:"protocol"`
}

// Rule is what the software does not bear in a setting beyond its type.
type Rule struct {
	Setting string   `json:"setting"`
	Must    string   `json:"must"`  // its value has to match; or
	Is      string   `json:"is"`    // where it is this (all values where empty),
	Needs   []string `json:"needs"` // these other settings must not be empty
	Message string   `json:"message"`
}

// File is one that has to be there; the path may hold ${SETTING}.
type File struct {
	Path string `json:"path"`
	JSON bool   `json:"json"`
}

// Answer is one path that is served on a port.
type Answer struct {
	Port    string   `json:"port"`
	Path    string   `json:"path"`
	Asks    []string `json:"asks"`
	Failing int      `json:"failing"` // status while one of those is away
	Body    string   `json:"body"`
	Type    string   `json:"type"`
	Does    string   `json:"does"`    // what is done with a request, instead of answering Body
	Key     string   `json:"key"`     // X-API-Key that lets in; where neither is said, everybody is let in
	Issuers string   `json:"issuers"` // JSON: whose tokens let in
	Policy  string   `json:"policy"`  // the decision of OPA that is asked for a token
	Open    bool     `json:"open"`    // everybody may read
}

// Job is a command that ends: the word in its arguments tells it from the server.
type Job struct {
	Word string `json:"word"`
	Says string `json:"says"`
	Bare bool   `json:"bare"` // a program of ours that another image runs: nothing of the component's is there
}

// Log is a file that the software writes and that a probe reads.
type Log struct {
	Path string `json:"path"`
	Says string `json:"says"`
}

// Stream is what the software makes of the messages of topics.
type Stream struct {
	Does string   `json:"does"`
	From []string `json:"from"`
	To   string   `json:"to"`
}
