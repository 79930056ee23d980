// Package gateway is a double of an implementation of the Gateway API: it ends TLS, routes by host and path, and says in the
// status of Gateways and HTTPRoutes what it does. It stands for the site's gateway, which is no part of the platform.
//
// It refuses what it does not know (fields of rules, protocols), so that a route which works here says nothing that is left out.
// It knows no Ingress, no labels of namespaces, no ReferenceGrants, no weights and no retries.
package gateway

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"reflect"
	"sync/atomic"
	"syscall"
	"time"
)

const mounted = "/var/run/secrets/kubernetes.io/serviceaccount" // Kubernetes documentation, Accessing the API from a Pod

// Run serves until SIGTERM; arguments are those of the command line.
func Run(arguments []string) error {
	flags := flag.NewFlagSet("gateway", flag.ContinueOnError)
	server := flags.String("server", fmt.Sprintf("https://%s:%s", os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")), "URL of the API")
	account := flags.String("account", mounted, "folder with token and ca.crt")
	health := flags.String("health", ":8081", "address that answers when everything is known")
	name := flags.String("name", "gateway", "host name that is written into the status of Gateways")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	api, err := connect(*server, *account)
	if err != nil {
		return err
	}
	own := &controller{api: api, address: address{"Hostname", *name}, servers: map[int]*http.Server{}}
	own.table.Store(&table{})
	if err := own.answerHealth(*health); err != nil {
		return err
	}
	return own.run(ctx)
}

type controller struct {
	api     *api
	address address
	table   atomic.Pointer[table]
	servers map[int]*http.Server
	ready   atomic.Bool
	refused string // the last certificate that could not be read
}

func (c *controller) run(ctx context.Context) error {
	changed := make(chan struct{}, 1)
	prefix := "/apis/" + group + "/v1/"
	classes := follow[class](ctx, c.api, prefix+"gatewayclasses", changed)
	gateways := follow[gateway](ctx, c.api, prefix+"gateways", changed)
	routes := follow[route](ctx, c.api, prefix+"httproutes", changed)
	services := follow[service](ctx, c.api, "/api/v1/services", changed)
	slices := follow[slice](ctx, c.api, "/apis/discovery.k8s.io/v1/endpointslices", changed)
	for again := time.NewTicker(20 * time.Second); ; { // a Secret is not watched, it is read anew now and then
		select {
		case <-ctx.Done():
			return c.shutdown()
		case <-changed:
		case <-again.C:
		}
		var now snapshot
		var known [5]bool
		now.classes, known[0] = classes.all()
		now.gateways, known[1] = gateways.all()
		now.routes, known[2] = routes.all()
		now.services, known[3] = services.all()
		now.slices, known[4] = slices.all()
		if known != [5]bool{true, true, true, true, true} {
			continue
		}
		made := now.plan(func(namespace, name string) (*tls.Certificate, error) { return c.certificate(ctx, namespace, name) }, c.address)
		c.table.Store(&table{made.doors, now.services, now.slices})
		if err := c.listen(made.doors); err != nil {
			return err
		}
		c.write(ctx, now, made)
		c.ready.Store(true)
	}
}

// listen opens the ports of the listeners, and closes those that are not asked for any more.
func (c *controller) listen(doors []door) error {
	wanted := map[int]bool{}
	for _, one := range doors {
		wanted[one.port] = true
	}
	for port, server := range c.servers {
		if !wanted[port] {
			_ = server.Close()
			delete(c.servers, port)
		}
	}
	for port := range wanted {
		if c.servers[port] != nil {
			continue
		}
		listener, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			return err
		}
		front := &front{port: port, table: &c.table}
		server := &http.Server{Handler: front, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
		if front.secure() {
			listener = tls.NewListener(listener, &tls.Config{GetCertificate: front.certificate, MinVersion: tls.VersionTLS12})
		}
		c.servers[port] = server
		go func() { _ = server.Serve(listener) }()
		log.Printf("listens on port %d", port)
	}
	return nil
}

// write tells the API what is new; what stands there already is not written.
func (c *controller) write(ctx context.Context, now snapshot, made plan) {
	prefix := "/apis/" + group + "/v1/"
	update := func(path string, before, after any) {
		if reflect.DeepEqual(normal(before), normal(after)) {
			return
		}
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if err := c.api.patch(attempt, prefix+path, after); err != nil && ctx.Err() == nil {
			log.Print(err)
		}
	}
	for key, conditions := range made.classes {
		old := now.classes[key]
		update("gatewayclasses/"+old.Metadata.Name, map[string]any{"conditions": old.Status.Conditions}, map[string]any{"conditions": conditions})
	}
	for key, status := range made.gateways {
		old := now.gateways[key]
		update("namespaces/"+old.Metadata.Namespace+"/gateways/"+old.Metadata.Name, old.Status, status)
	}
	for key, parents := range made.routes {
		old := now.routes[key]
		update("namespaces/"+old.Metadata.Namespace+"/httproutes/"+old.Metadata.Name,
			map[string]any{"parents": old.Status.Parents}, map[string]any{"parents": parents})
	}
}

func normal(content any) (plain any) {
	written, _ := json.Marshal(content)
	_ = json.Unmarshal(written, &plain)
	return plain
}

// certificate reads a Secret of the type kubernetes.io/tls.
func (c *controller) certificate(ctx context.Context, namespace, name string) (*tls.Certificate, error) {
	attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var secret struct{ Data map[string]string }
	problem := c.api.get(attempt, "/api/v1/namespaces/"+namespace+"/secrets/"+name, &secret)
	if problem == nil {
		certificate, first := base64.StdEncoding.DecodeString(secret.Data["tls.crt"])
		key, second := base64.StdEncoding.DecodeString(secret.Data["tls.key"])
		if errors.Join(first, second) == nil {
			pair, err := tls.X509KeyPair(certificate, key)
			if err == nil {
				c.refused = ""
				return &pair, nil
			}
			problem = err
		}
	}
	if c.refused != name {
		log.Printf("the Secret %s/%s cannot be used: %v", namespace, name, problem)
		c.refused = name
	}
	return nil, fmt.Errorf("the Secret %s holds no certificate with its key", name)
}

func (c *controller) answerHealth(at string) error {
	listener, err := net.Listen("tcp", at)
	if err != nil {
		return err
	}
	handler := http.HandlerFunc(func(writer http.ResponseWriter, _ *http.Request) {
		if !c.ready.Load() {
			http.Error(writer, "not everything is known yet", http.StatusServiceUnavailable)
		}
	})
	go func() { _ = http.Serve(listener, handler) }()
	return nil
}

func (c *controller) shutdown() error {
	log.Print("SIGTERM: requests that run are finished")
	grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, server := range c.servers {
		_ = server.Shutdown(grace)
	}
	return nil
}
