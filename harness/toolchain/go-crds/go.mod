// Modules of which only the definitions of kinds (CRDs) are used: nothing here is compiled, so nothing else is required.
module indigo-paas/crds

go 1.27.0

require (
	github.com/prometheus-operator/prometheus-operator v0.94.1
	sigs.k8s.io/gateway-api v1.7.0
)
