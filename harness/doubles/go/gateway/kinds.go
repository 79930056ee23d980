package gateway

import "encoding/json"

// What is read of the Gateway API v1 (https://gateway-api.sigs.k8s.io/reference/spec/) and of Services. A rule of a route is read
// with every field that is known, and refused where it has another one: nothing is silently left out.

type class struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		Controller string `json:"controllerName"`
	} `json:"spec"`
	Status struct {
		Conditions []condition `json:"conditions"`
	} `json:"status"`
}

type gateway struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		Class     string     `json:"gatewayClassName"`
		Listeners []listener `json:"listeners"`
	} `json:"spec"`
	Status gatewayStatus `json:"status"`
}

type listener struct {
	Name     string `json:"name"`
	Hostname string `json:"hostname"`
	Port     int    `json:"port"`
	Protocol string `json:"protocol"`
	TLS      struct {
		Mode         string      `json:"mode"`
		Certificates []reference `json:"certificateRefs"`
	} `json:"tls"`
	Allowed struct {
		Namespaces struct {
			From string `json:"from"`
		} `json:"namespaces"`
	} `json:"allowedRoutes"`
}

type gatewayStatus struct {
	Addresses  []address        `json:"addresses,omitempty"`
	Conditions []condition      `json:"conditions,omitempty"`
	Listeners  []listenerStatus `json:"listeners,omitempty"`
}

type address struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

type listenerStatus struct {
	Name       string      `json:"name"`
	Kinds      []groupKind `json:"supportedKinds"`
	Attached   int         `json:"attachedRoutes"`
	Conditions []condition `json:"conditions"`
}

type groupKind struct {
	Group string `json:"group"`
	Kind  string `json:"kind"`
}

type condition struct {
	Type       string `json:"type"`
	Status     string `json:"status"`
	Reason     string `json:"reason"`
	Message    string `json:"message"`
	Generation int64  `json:"observedGeneration"`
	Changed    string `json:"lastTransitionTime"`
}

type reference struct {
	Group       *string `json:"group,omitempty"`
	Kind        *string `json:"kind,omitempty"`
	Name        string  `json:"name"`
	Namespace   *string `json:"namespace,omitempty"`
	SectionName *string `json:"sectionName,omitempty"`
	Port        *int    `json:"port,omitempty"`
	Weight      *int    `json:"weight,omitempty"`
}

type route struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		Parents   []reference       `json:"parentRefs"`
		Hostnames []string          `json:"hostnames"`
		Rules     []json.RawMessage `json:"rules"`
	} `json:"spec"`
	Status struct {
		Parents []parentStatus `json:"parents"`
	} `json:"status"`
}

type parentStatus struct {
	Controller string      `json:"controllerName"`
	Parent     reference   `json:"parentRef"`
	Conditions []condition `json:"conditions"`
}

// ruleSpec is one rule of a route: all that is known of it.
type ruleSpec struct {
	Name    string `json:"name"`
	Matches []struct {
		Path struct {
			Type  string `json:"type"`
			Value string `json:"value"`
		} `json:"path"`
	} `json:"matches"`
	Filters []struct {
		Type    string `json:"type"`
		Headers *struct {
			Set    []header `json:"set"`
			Add    []header `json:"add"`
			Remove []string `json:"remove"`
		} `json:"requestHeaderModifier"`
		Rewrite *struct {
			Path *struct {
				Type   string `json:"type"`
				Prefix string `json:"replacePrefixMatch"`
			} `json:"path"`
		} `json:"urlRewrite"`
	} `json:"filters"`
	Backends []reference `json:"backendRefs"`
	Timeouts struct {
		Request string `json:"request"`
	} `json:"timeouts"`
}

type header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type service struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		Ports []struct {
			Name string `json:"name"`
			Port int    `json:"port"`
		} `json:"ports"`
	} `json:"spec"`
}

type slice struct {
	Metadata  metadata `json:"metadata"`
	Endpoints []struct {
		Addresses  []string `json:"addresses"`
		Conditions struct {
			Ready *bool `json:"ready"`
		} `json:"conditions"`
	} `json:"endpoints"`
	Ports []struct {
		Name *string `json:"name"`
		Port *int    `json:"port"`
	} `json:"ports"`
}

func (c class) head() *metadata   { return &c.Metadata }
func (g gateway) head() *metadata { return &g.Metadata }
func (r route) head() *metadata   { return &r.Metadata }
func (s service) head() *metadata { return &s.Metadata }
func (s slice) head() *metadata   { return &s.Metadata }

func text(value *string, otherwise string) string {
	if value == nil {
		return otherwise
	}
	return *value
}
