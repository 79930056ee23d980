// Command kubernetes is the embedded control plane in one executable.
//
// The role is the name it is called by (a symbolic link named kube-apiserver,
// say) or its first argument: `kubernetes kube-apiserver --version`. Linking
// the servers together costs one link step and one file on disk, instead of
// five that each carry the same two thousand packages; each role still runs
// as a process of its own.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// roles maps the name of a role to the function that runs it. The function
// sees os.Args as if the role were a program of its own and returns the exit
// status; several servers never return but exit by themselves.
var roles = map[string]func() int{
	"etcd":                    etcd,
	"kube-apiserver":          apiserver,
	"kube-controller-manager": controllerManager,
	"kube-scheduler":          scheduler,
	"kwok":                    kwok,
	"kubectl":                 kubectl,
}

func main() {
	name := filepath.Base(os.Args[0])
	run, found := roles[name]
	if !found && len(os.Args) > 1 {
		name = os.Args[1]
		if run, found = roles[name]; found {
			os.Args = append([]string{name}, os.Args[2:]...)
		}
	}
	if !found {
		fmt.Fprintf(os.Stderr, "usage: kubernetes ROLE [FLAGS]\nroles: %s\n", strings.Join(names(), ", "))
		os.Exit(2)
	}
	os.Exit(run())
}

func names() []string {
	list := make([]string, 0, len(roles))
	for name := range roles {
		list = append(list, name)
	}
	sort.Strings(list)
	return list
}
