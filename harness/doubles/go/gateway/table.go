package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"
)

// rule is where requests of one host and one path go.
type rule struct {
	host, path string
	exact      bool // the whole path, instead of the beginning
	set, add   []header
	remove     []string
	prefix     *string // what stands in the place of path
	timeout    time.Duration
	route      metadata
	backend    backend
}

// backend is a port of a Service.
type backend struct {
	service string // namespace/name
	port    int
}

// unsupported is a field, or a value of one, that this gateway does not know.
type unsupported struct{ what string }

func (u unsupported) Error() string { return u.what }

// rules returns what a route says for its hosts.
func (r route) rules() ([]rule, error) {
	hosts := r.Spec.Hostnames
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	var found []rule
	for _, raw := range r.Spec.Rules {
		var spec ruleSpec
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&spec); err != nil {
			return nil, unsupported{fmt.Sprintf("rules: %v", err)}
		}
		common, err := spec.common(r.Metadata)
		if err != nil {
			return nil, err
		}
		for _, host := range hosts {
			for _, match := range spec.Matches {
				one := common
				one.host, one.path, one.exact = host, match.Path.Value, match.Path.Type == "Exact"
				if match.Path.Type != "Exact" && match.Path.Type != "PathPrefix" {
					return nil, unsupported{"matches.path.type " + match.Path.Type}
				}
				found = append(found, one)
			}
		}
	}
	return found, nil
}

func (s ruleSpec) common(owner metadata) (rule, error) {
	found := rule{route: owner}
	for _, filter := range s.Filters {
		switch {
		case filter.Type == "RequestHeaderModifier" && filter.Headers != nil:
			found.set, found.add, found.remove = filter.Headers.Set, filter.Headers.Add, filter.Headers.Remove
		case filter.Type == "URLRewrite" && filter.Rewrite != nil && filter.Rewrite.Path != nil && filter.Rewrite.Path.Type == "ReplacePrefixMatch":
			found.prefix = &filter.Rewrite.Path.Prefix
		default:
			return found, unsupported{"filters.type " + filter.Type}
		}
	}
	if len(s.Backends) != 1 || text(s.Backends[0].Kind, "Service") != "Service" || s.Backends[0].Port == nil {
		return found, unsupported{"backendRefs: anything but one Service with its port"}
	}
	space := text(s.Backends[0].Namespace, owner.Namespace)
	if space != owner.Namespace {
		return found, unsupported{"backendRefs.namespace: a Service of another namespace"}
	}
	found.backend = backend{space + "/" + s.Backends[0].Name, *s.Backends[0].Port}
	if s.Timeouts.Request != "" {
		seconds, err := time.ParseDuration(s.Timeouts.Request)
		if err != nil {
			return found, unsupported{"timeouts.request " + s.Timeouts.Request}
		}
		found.timeout = seconds
	}
	return found, nil
}

// matches tells whether a rule is for a request. A prefix ends where a part of the path ends: /a is for /a/b, not for /ab.
func (r rule) matches(host, path string) bool {
	if !hostMatches(r.host, host) {
		return false
	}
	if r.exact {
		return path == r.path
	}
	start := strings.TrimSuffix(r.path, "/")
	return path == start || strings.HasPrefix(path, start+"/")
}

func hostMatches(pattern, host string) bool {
	if end, wildcard := strings.CutPrefix(pattern, "*"); wildcard {
		return strings.HasSuffix(host, end) && len(host) > len(end)
	}
	return pattern == "" || strings.EqualFold(pattern, host)
}

// rewritten returns the path that the backend is asked for.
func (r rule) rewritten(path string) string {
	if r.prefix == nil {
		return path
	}
	rest := strings.TrimPrefix(path, strings.TrimSuffix(r.path, "/"))
	return "/" + strings.TrimPrefix(strings.TrimSuffix(*r.prefix, "/")+"/"+strings.TrimPrefix(rest, "/"), "/")
}

// order puts rules into the order of the Gateway API: the most specific host, the exact path, the longest one, the oldest route.
func order(rules []rule) {
	rank := func(host string) int {
		if host != "" && !strings.HasPrefix(host, "*") {
			return 1 << 16
		}
		return len(host)
	}
	sort.SliceStable(rules, func(i, j int) bool {
		a, b := rules[i], rules[j]
		switch {
		case rank(a.host) != rank(b.host):
			return rank(a.host) > rank(b.host)
		case a.exact != b.exact:
			return a.exact
		case len(a.path) != len(b.path):
			return len(a.path) > len(b.path)
		case a.route.Created != b.route.Created:
			return a.route.Created < b.route.Created
		}
		return a.route.key() < b.route.key()
	})
}

// endpoints returns the ready addresses of a port of a Service; known is false where there is no such Service or port.
func endpoints(wanted backend, services map[string]service, slices map[string]slice) (found []string, known bool) {
	owner, here := services[wanted.service]
	if !here {
		return nil, false
	}
	name := ""
	for _, port := range owner.Spec.Ports {
		if port.Port == wanted.port {
			name, known = port.Name, true
		}
	}
	for _, slice := range slices {
		if slice.Metadata.Namespace != owner.Metadata.Namespace || slice.Metadata.Labels["kubernetes.io/service-name"] != owner.Metadata.Name {
			continue
		}
		for _, port := range slice.Ports {
			if text(port.Name, "") != name || port.Port == nil {
				continue
			}
			for _, endpoint := range slice.Endpoints {
				if endpoint.Conditions.Ready != nil && !*endpoint.Conditions.Ready {
					continue
				}
				for _, address := range endpoint.Addresses {
					found = append(found, fmt.Sprintf("%s:%d", address, *port.Port))
				}
			}
		}
	}
	sort.Strings(found)
	return found, known
}
