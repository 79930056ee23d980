package gateway

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const requestID = "X-Request-Id"

var wellFormed = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// table is what all servers work with; it is replaced as a whole.
type table struct {
	doors    []door
	services map[string]service
	slices   map[string]slice
}

// front answers the requests of one port.
type front struct {
	port  int
	table *atomic.Pointer[table]
	turn  atomic.Uint64
}

// certificate chooses by the name that the client asks for; without a listener for it there is no handshake.
func (f *front) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if found := f.door(hello.ServerName); found != nil && found.certificate != nil {
		return found.certificate, nil
	}
	return nil, fmt.Errorf("no listener is for the host %q", hello.ServerName)
}

func (f *front) door(host string) *door {
	var found *door
	doors := f.table.Load().doors
	for index := range doors {
		one := &doors[index]
		if one.port == f.port && hostMatches(one.host, host) && (found == nil || len(one.host) > len(found.host)) {
			found = one
		}
	}
	return found
}

// secure tells whether the port speaks TLS.
func (f *front) secure() bool {
	for _, one := range f.table.Load().doors {
		if one.port == f.port {
			return one.certificate != nil
		}
	}
	return false
}

// ServeHTTP finds the rule, makes the headers that gateways make, and passes the request on.
func (f *front) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	begin, host := time.Now(), plain(request.Host)
	id := request.Header.Get(requestID)
	if !wellFormed.MatchString(id) {
		id = fresh()
	}
	asked := fmt.Sprintf("%s %s://%s%s", request.Method, f.scheme(), host, request.URL.EscapedPath())
	found := f.rule(host, request.URL.Path)
	if found == nil || request.TLS != nil && !strings.EqualFold(request.TLS.ServerName, host) && f.door(request.TLS.ServerName) != f.door(host) {
		log.Printf("%s: %s: no route", id, asked)
		http.Error(writer, "no route", http.StatusNotFound)
		return
	}
	state := f.table.Load()
	addresses, known := endpoints(found.backend, state.services, state.slices)
	if !known || len(addresses) == 0 { // Gateway API: 500 where a reference leads nowhere, 503 where nobody is ready
		status := http.StatusServiceUnavailable
		if !known {
			status = http.StatusInternalServerError
		}
		log.Printf("%s: %s: nobody is there for %s", id, asked, found.backend.service)
		http.Error(writer, "no endpoint", status)
		return
	}
	chosen := addresses[f.turn.Add(1)%uint64(len(addresses))]
	log.Printf("hop %s: %s goes to %s", id, asked, found.backend.service)
	if found.timeout > 0 {
		ctx, cancel := context.WithTimeout(request.Context(), found.timeout)
		defer cancel()
		request = request.WithContext(ctx)
	}
	seen := &observed{ResponseWriter: writer, status: http.StatusOK}
	proxy := httputil.ReverseProxy{
		Rewrite:   func(passed *httputil.ProxyRequest) { f.pass(passed, found, chosen, id) },
		Transport: transport,
		ErrorHandler: func(writer http.ResponseWriter, _ *http.Request, err error) {
			status := http.StatusBadGateway
			if errors.Is(err, context.DeadlineExceeded) {
				status = http.StatusGatewayTimeout
			}
			log.Printf("%s: %s at %s: %v", id, found.backend.service, chosen, err)
			http.Error(writer, http.StatusText(status), status)
		},
	}
	proxy.ServeHTTP(seen, request)
	log.Printf("%s: answered %d after %.3f s", id, seen.status, time.Since(begin).Seconds())
}

var transport = &http.Transport{
	DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
	MaxIdleConnsPerHost: 8, IdleConnTimeout: 30 * time.Second,
}

func (f *front) rule(host, path string) *rule {
	opened := f.door(host)
	if opened == nil {
		return nil
	}
	for index := range opened.rules {
		if opened.rules[index].matches(host, path) {
			return &opened.rules[index]
		}
	}
	return nil
}

// pass makes the request for the backend. What a client says of X-Forwarded-* is not believed: this is the outermost hop.
func (f *front) pass(passed *httputil.ProxyRequest, found *rule, address, id string) {
	out := passed.Out
	out.URL.Scheme, out.URL.Host = "http", address
	out.URL.Path, out.URL.RawPath = found.rewritten(passed.In.URL.Path), ""
	out.Host = passed.In.Host
	for name := range out.Header {
		if strings.HasPrefix(name, "X-Forwarded-") {
			out.Header.Del(name)
		}
	}
	passed.SetXForwarded() // For, Host, Proto
	out.Header.Set("X-Forwarded-Port", strconv.Itoa(f.port))
	out.Header.Set(requestID, id)
	for _, name := range found.remove {
		out.Header.Del(name)
	}
	for _, item := range found.set {
		out.Header.Set(item.Name, item.Value)
	}
	for _, item := range found.add {
		out.Header.Add(item.Name, item.Value)
	}
}

func (f *front) scheme() string {
	if f.secure() {
		return "https"
	}
	return "http"
}

func plain(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

func fresh() string {
	content := make([]byte, 16)
	_, _ = rand.Read(content)
	return fmt.Sprintf("%x", content)
}

// observed remembers the status of an answer.
type observed struct {
	http.ResponseWriter
	status int
}

func (o *observed) WriteHeader(status int) {
	o.status = status
	o.ResponseWriter.WriteHeader(status)
}

// Unwrap lets the proxy flush and hijack.
func (o *observed) Unwrap() http.ResponseWriter { return o.ResponseWriter }
