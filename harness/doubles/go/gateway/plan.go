package gateway

import (
	"crypto/tls"
	"errors"
	"slices"
	"time"
)

// Controller is the name by which a GatewayClass belongs to this gateway.
const Controller = "indigo-paas.invalid/gateway-double"

const group = "gateway.networking.k8s.io"

// snapshot is what the API shows at one moment.
type snapshot struct {
	classes  map[string]class
	gateways map[string]gateway
	routes   map[string]route
	services map[string]service
	slices   map[string]slice
}

// door is a listener that is open: its certificate, and the rules of the routes that are attached to it, in their order.
type door struct {
	port        int
	host        string
	certificate *tls.Certificate // nil: no TLS
	rules       []rule
}

// plan is what a snapshot comes to: open listeners, and what is written into the status of which object.
type plan struct {
	doors    []door
	classes  map[string][]condition
	gateways map[string]gatewayStatus
	routes   map[string][]parentStatus
}

// make decides everything; certificate reads the Secret of a reference.
func (s snapshot) plan(certificate func(namespace, name string) (*tls.Certificate, error), own address) plan {
	made := plan{classes: map[string][]condition{}, gateways: map[string]gatewayStatus{}, routes: map[string][]parentStatus{}}
	mine := map[string]bool{}
	for key, class := range s.classes {
		if class.Spec.Controller == Controller {
			mine[class.Metadata.Name] = true
			made.classes[key] = []condition{judged(class.Status.Conditions, "Accepted", class.Metadata.Generation, nil)}
		}
	}
	rules := map[string]map[string][]rule{} // gateway -> listener -> rules
	attached := map[string]map[string]int{}
	for key, route := range s.routes {
		if parents := route.attach(s, mine, rules, attached); parents != nil {
			made.routes[key] = parents
		}
	}
	for key, gateway := range s.gateways {
		if !mine[gateway.Spec.Class] {
			continue
		}
		status := gatewayStatus{Addresses: []address{own}}
		before, generation := gateway.Status, gateway.Metadata.Generation
		var bad error
		for _, listener := range gateway.Spec.Listeners {
			opened, problem := listener.open(gateway.Metadata.Namespace, certificate)
			if problem == nil {
				opened.rules = rules[key][listener.Name]
				order(opened.rules)
				made.doors = append(made.doors, opened)
			} else {
				bad = refusal{"ListenersNotValid", "listener " + listener.Name + ": " + problem.Error()}
			}
			status.Listeners = append(status.Listeners, listener.status(before, attached[key][listener.Name], generation, problem))
		}
		status.Conditions = []condition{
			judged(before.Conditions, "Accepted", generation, bad), judged(before.Conditions, "Programmed", generation, bad),
		}
		made.gateways[key] = status
	}
	return made
}

// refusal is a condition that is False: its reason is a word of the Gateway API.
type refusal struct{ reason, message string }

func (r refusal) Error() string { return r.message }

func (l listener) open(namespace string, certificate func(namespace, name string) (*tls.Certificate, error)) (door, error) {
	opened := door{port: l.Port, host: l.Hostname}
	if l.Protocol == "HTTP" {
		return opened, nil
	}
	if l.Protocol != "HTTPS" || l.TLS.Mode == "Passthrough" {
		return opened, refusal{"UnsupportedProtocol", "only HTTP, and HTTPS that ends here"}
	}
	if len(l.TLS.Certificates) != 1 {
		return opened, refusal{"InvalidCertificateRef", "exactly one Secret with a certificate is needed"}
	}
	named := l.TLS.Certificates[0]
	if space := text(named.Namespace, namespace); space != namespace {
		return opened, refusal{"RefNotPermitted", "a certificate of another namespace"}
	}
	found, err := certificate(namespace, named.Name)
	if err != nil {
		return opened, refusal{"InvalidCertificateRef", err.Error()}
	}
	opened.certificate = found
	return opened, nil
}

func (l listener) status(before gatewayStatus, attached int, generation int64, problem error) listenerStatus {
	var old []condition
	for _, item := range before.Listeners {
		if item.Name == l.Name {
			old = item.Conditions
		}
	}
	var protocol, reference error
	var refused refusal
	if errors.As(problem, &refused) && refused.reason == "UnsupportedProtocol" {
		protocol = problem
	} else {
		reference = problem
	}
	return listenerStatus{
		Name: l.Name, Kinds: []groupKind{{group, "HTTPRoute"}}, Attached: attached,
		Conditions: []condition{
			judged(old, "Accepted", generation, protocol), judged(old, "Programmed", generation, problem),
			judged(old, "ResolvedRefs", generation, reference),
		},
	}
}

// attach puts the rules of a route to the listeners of its parents; returns what its status says of them, and of the gateways
// of others what stood there. Nil: no parent is one of ours.
func (r route) attach(s snapshot, mine map[string]bool, rules map[string]map[string][]rule, attached map[string]map[string]int) []parentStatus {
	var parents []parentStatus
	ours := false
	for _, old := range r.Status.Parents {
		if old.Controller == Controller {
			ours = true // a parent that is none any more loses its entry
		} else {
			parents = append(parents, old)
		}
	}
	own, wrong := r.rules()
	for _, parent := range r.Spec.Parents {
		key := text(parent.Namespace, r.Metadata.Namespace) + "/" + parent.Name
		gateway, here := s.gateways[key]
		if !here || !mine[gateway.Spec.Class] {
			continue
		}
		ours = true
		accepted := wrong
		if accepted != nil {
			accepted = refusal{"UnsupportedValue", wrong.Error()}
		} else {
			accepted = r.join(gateway, parent, own, rules, attached)
		}
		var resolved error
		for _, rule := range own {
			if _, known := endpoints(rule.backend, s.services, nil); !known {
				resolved = refusal{"BackendNotFound", "no such port of a Service: " + rule.backend.service}
			}
		}
		before := r.conditions(parent)
		parents = append(parents, parentStatus{Controller, parent, []condition{
			judged(before, "Accepted", r.Metadata.Generation, accepted),
			judged(before, "ResolvedRefs", r.Metadata.Generation, resolved),
		}})
	}
	if !ours {
		return nil
	}
	return parents
}

func (r route) join(gateway gateway, parent reference, own []rule, rules map[string]map[string][]rule, attached map[string]map[string]int) error {
	joined, key, problem := false, gateway.Metadata.key(), error(refusal{"NoMatchingParent", "the gateway has no such listener"})
	for _, listener := range gateway.Spec.Listeners {
		if name := text(parent.SectionName, listener.Name); name != listener.Name || parent.Port != nil && *parent.Port != listener.Port {
			continue
		}
		from := listener.Allowed.Namespaces.From
		if from != "All" && (from != "Same" || r.Metadata.Namespace != gateway.Metadata.Namespace) { // labels of namespaces are not read
			problem = refusal{"NotAllowedByListeners", "the listener takes no routes of this namespace"}
			continue
		}
		var fitting []rule
		for _, one := range own {
			if host, fits := common(listener.Hostname, one.host); fits {
				one.host = host
				fitting = append(fitting, one)
			}
		}
		if len(fitting) == 0 {
			problem = refusal{"NoMatchingListenerHostname", "no host of the route is one of the listener"}
			continue
		}
		if rules[key] == nil {
			rules[key], attached[key] = map[string][]rule{}, map[string]int{}
		}
		rules[key][listener.Name] = append(rules[key][listener.Name], fitting...)
		attached[key][listener.Name]++
		joined = true // a parent without a section is every listener that fits
	}
	if joined {
		return nil
	}
	return problem
}

// common returns the host that a listener and a route are both for: the more particular of the two.
func common(listener, route string) (string, bool) {
	switch {
	case route == "" || hostMatches(route, listener) && listener != "":
		return listener, true
	case hostMatches(listener, route):
		return route, true
	}
	return "", false
}

func (r route) conditions(parent reference) []condition {
	for _, old := range r.Status.Parents {
		if old.Controller == Controller && old.Parent.Name == parent.Name && text(old.Parent.SectionName, "") == text(parent.SectionName, "") {
			return old.Conditions
		}
	}
	return nil
}

// judged returns a condition; its time changes with its status only.
func judged(before []condition, kind string, generation int64, problem error) condition {
	made := condition{Type: kind, Status: "True", Reason: kind, Generation: generation, Changed: time.Now().UTC().Format(time.RFC3339)}
	if problem != nil {
		made.Status, made.Reason, made.Message = "False", "Invalid", problem.Error()
		var refused refusal
		if errors.As(problem, &refused) {
			made.Reason = refused.reason
		}
	}
	at := slices.IndexFunc(before, func(old condition) bool { return old.Type == kind && old.Status == made.Status })
	if at >= 0 {
		made.Changed = before[at].Changed
	}
	return made
}
