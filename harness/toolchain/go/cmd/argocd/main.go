//go:debug default=go1.27

// Command argocd is a headless Argo CD: the repository server, the
// application controller and the ApplicationSet controller, and nothing that
// serves people (no API server, no web UI, no CLI, no notifications).
//
// The role is ARGOCD_BINARY_NAME, as in upstream's own image, or the name it
// is called by, or the first argument.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	controller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	applicationset "github.com/argoproj/argo-cd/v3/cmd/argocd-applicationset-controller/commands"
	askpass "github.com/argoproj/argo-cd/v3/cmd/argocd-git-ask-pass/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	"github.com/argoproj/argo-cd/v3/common"
	"github.com/argoproj/argo-cd/v3/util/log"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
)

var roles = map[string]func() *cobra.Command{
	common.CommandRepoServer:               reposerver.NewCommand,
	common.CommandApplicationController:    controller.NewCommand,
	common.CommandApplicationSetController: applicationset.NewCommand,
	common.CommandGitAskPass:               askpass.NewCommand, // git calls it for a private repository's password
}

// Upstream's main also switches off gRPC's SRV look-ups. Only the grpclb
// balancer switches them on, and none of the packages above links it.
func main() {
	klog.SetLogger(log.NewLogrusLogger(log.NewWithCurrentConfig()))

	name := os.Getenv("ARGOCD_BINARY_NAME")
	if name == "" {
		name = filepath.Base(os.Args[0])
	}
	newCommand, found := roles[name]
	if !found && len(os.Args) > 1 {
		if newCommand, found = roles[os.Args[1]]; found {
			os.Args = os.Args[1:]
		}
	}
	if !found {
		fmt.Fprintf(os.Stderr, "argocd (headless): no role %q; set ARGOCD_BINARY_NAME to one of %s, %s, %s, %s\n", name,
			common.CommandRepoServer, common.CommandApplicationController,
			common.CommandApplicationSetController, common.CommandGitAskPass)
		os.Exit(2)
	}
	if err := newCommand().Execute(); err != nil {
		os.Exit(1)
	}
}
