package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const patience = 5 * time.Second // until a connection is there, or has failed

// api is the Kubernetes API, asked as the pod's own ServiceAccount.
type api struct {
	server, account string // URL; folder with token and ca.crt
	client          *http.Client
}

func connect(server, account string) (*api, error) {
	authority, err := os.ReadFile(filepath.Join(account, "ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("no ServiceAccount is mounted: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	// On a node that was just started, what is sent before its routes are there is lost: without limits of our own, the
	// kernel's would have us wait for two minutes.
	transport := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: patience}).DialContext,
		TLSClientConfig:       &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   patience,
		ResponseHeaderTimeout: 6 * patience,
		ForceAttemptHTTP2:     true,
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: 3 * patience, PingTimeout: patience}, // a watch is silent for long
	}
	return &api{server: server, account: account, client: &http.Client{Transport: transport}}, nil
}

// ask sends one request; whatever is no success is an error. The caller closes the body.
func (a *api) ask(ctx context.Context, method, path string, body any) (io.ReadCloser, error) {
	var content io.Reader
	if body != nil {
		written, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(written)
	}
	request, err := http.NewRequestWithContext(ctx, method, a.server+path, content)
	if err != nil {
		return nil, err
	}
	token, err := os.ReadFile(filepath.Join(a.account, "token")) // each time: the kubelet renews it
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	if body != nil {
		request.Header.Set("Content-Type", "application/merge-patch+json")
	}
	answer, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= http.StatusBadRequest {
		said, _ := io.ReadAll(io.LimitReader(answer.Body, 500))
		answer.Body.Close()
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, strings.TrimSpace(string(said)))
	}
	return answer.Body, nil
}

func (a *api) get(ctx context.Context, path string, wanted any) error {
	body, err := a.ask(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer body.Close()
	return json.NewDecoder(body).Decode(wanted)
}

// patch merges into the status of an object.
func (a *api) patch(ctx context.Context, path string, status any) error {
	body, err := a.ask(ctx, http.MethodPatch, path+"/status", map[string]any{"status": status})
	if err != nil {
		return err
	}
	return body.Close()
}

// object is what is read of every kind.
type object interface{ head() *metadata }

type metadata struct {
	Name            string            `json:"name"`
	Namespace       string            `json:"namespace"`
	Generation      int64             `json:"generation"`
	ResourceVersion string            `json:"resourceVersion"`
	Created         string            `json:"creationTimestamp"`
	Labels          map[string]string `json:"labels"`
}

func (m metadata) key() string { return m.Namespace + "/" + m.Name }

// collection holds the objects of one kind as the API last showed them.
type collection[T object] struct {
	sync.Mutex
	items map[string]T
	known bool // they were listed once
}

// all returns a copy.
func (c *collection[T]) all() (map[string]T, bool) {
	c.Lock()
	defer c.Unlock()
	found := make(map[string]T, len(c.items))
	for key, item := range c.items {
		found[key] = item
	}
	return found, c.known
}

// follow keeps a collection up to date until the end, and tells of each change.
func follow[T object](ctx context.Context, a *api, path string, changed chan<- struct{}) *collection[T] {
	found := &collection[T]{}
	go func() {
		for ctx.Err() == nil {
			if err := found.listAndWatch(ctx, a, path, changed); err != nil && ctx.Err() == nil {
				log.Printf("%v; asks again", err)
				time.Sleep(time.Second)
			}
		}
	}()
	return found
}

func (c *collection[T]) listAndWatch(ctx context.Context, a *api, path string, changed chan<- struct{}) error {
	var list struct {
		Metadata metadata `json:"metadata"`
		Items    []T      `json:"items"`
	}
	if err := a.get(ctx, path, &list); err != nil {
		return err
	}
	c.Lock()
	c.items, c.known = map[string]T{}, true
	for _, item := range list.Items {
		c.items[item.head().key()] = item
	}
	c.Unlock()
	tell(changed)
	query := "?watch=true&timeoutSeconds=240&allowWatchBookmarks=false&resourceVersion="
	body, err := a.ask(ctx, http.MethodGet, path+query+list.Metadata.ResourceVersion, nil)
	if err != nil {
		return err
	}
	defer body.Close()
	for decoder := json.NewDecoder(body); ; {
		var event struct {
			Type   string
			Object json.RawMessage
		}
		if err := decoder.Decode(&event); err != nil {
			return nil // the watch is over: another one begins
		}
		if event.Type == "ERROR" {
			return fmt.Errorf("watch of %s: %s", path, event.Object)
		}
		var item T
		if err := json.Unmarshal(event.Object, &item); err != nil {
			return fmt.Errorf("watch of %s: %w", path, err)
		}
		c.Lock()
		if event.Type == "DELETED" {
			delete(c.items, item.head().key())
		} else {
			c.items[item.head().key()] = item
		}
		c.Unlock()
		tell(changed)
	}
}

func tell(changed chan<- struct{}) {
	select {
	case changed <- struct{}{}:
	default: // it is told already
	}
}
