package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	usual      = 10 * time.Second              // how long one call may take where nothing else is said
	ownCA      = "/etc/indigo-paas/ca/own.crt" // charts/common/templates/_trust.tpl: what Java's trust store is made of
	answerSize = 16 << 20                      // bytes of an answer that are read
)

// send is every HTTP call of a double: whatever is no success is an error, which says what was answered.
func send(ctx context.Context, method, address string, headers map[string]string, body io.Reader) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil { // the library's error quotes the address, and with it a password
		return nil, fmt.Errorf("its address cannot be parsed")
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, answerSize))
	if answer.StatusCode >= http.StatusBadRequest {
		said := strings.TrimSpace(string(content[:min(len(content), 300)]))
		return nil, fmt.Errorf("%s answers %s: %s", request.URL.Redacted(), answer.Status, said)
	}
	return content, err
}

// call sends JSON (where there is some) and reads JSON (where it is wanted).
func call(ctx context.Context, method, address string, headers map[string]string, body, wanted any) error {
	all := map[string]string{"Content-Type": "application/json"}
	for name, value := range headers {
		all[name] = value
	}
	var content io.Reader
	if body != nil {
		written, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(written)
	}
	attempt, cancel := context.WithTimeout(ctx, usual)
	defer cancel()
	said, err := send(attempt, method, address, all, content)
	if err != nil || wanted == nil {
		return err
	}
	return json.Unmarshal(said, wanted)
}

// post sends a form and reads JSON.
func post(ctx context.Context, address string, headers map[string]string, form url.Values, wanted any) error {
	headers["Content-Type"] = "application/x-www-form-urlencoded"
	said, err := send(ctx, http.MethodPost, address, headers, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	return json.Unmarshal(said, wanted)
}

// Trust is how the software takes a site's own authorities.
type Trust struct {
	Variables []string `json:"variables"` // each names a file
	Java      bool     `json:"java"`      // from the mounted file, at each start
}

// learn makes the authorities of a site those that every call believes; a named file that holds none ends the start.
func (t Trust) learn(env map[string]string) error {
	files := map[string]string{}
	for _, name := range t.Variables {
		if env[name] != "" {
			files[name] = env[name]
		}
	}
	if _, err := os.Stat(ownCA); t.Java && err == nil {
		files["the trust store"] = ownCA
	}
	if len(files) == 0 {
		return nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	for _, name := range sorted(files) {
		content, err := os.ReadFile(files[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if !pool.AppendCertsFromPEM(content) {
			return fmt.Errorf("%s: %s holds no certificate in PEM", name, files[name])
		}
	}
	http.DefaultTransport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return nil
}
