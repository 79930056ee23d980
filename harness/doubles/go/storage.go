package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// What the Orchestrator does for a template with buckets (ORC S3ServiceImpl, ImServiceImpl, CredentialProviderServiceImpl): the
// user's keys come from the vault, and with them it logs in to the object store and makes each bucket.

const (
	bucketNode = "tosca.nodes.indigo.S3Bucket"
	region     = "us-east-1" // ORC S3ServiceImpl (AWS_REGION), whatever the store is
	versioned  = `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>`
)

var bucketName = regexp.MustCompile(`^[a-z0-9.-]{1,62}[a-z0-9]$`) // ORC S3ServiceImpl.checkBucketName, but for two reserved endings

type bucket struct {
	Name       string `yaml:"bucket_name"`
	URL        string `yaml:"s3_url"`
	Versioning string `yaml:"enable_versioning"`
}

// buckets returns the nodes of a template that are buckets.
func buckets(template string) ([]bucket, error) {
	var content struct {
		Topology struct {
			Nodes map[string]struct {
				Type       string `yaml:"type"`
				Properties bucket `yaml:"properties"`
			} `yaml:"node_templates"`
		} `yaml:"topology_template"`
	}
	if err := yaml.Unmarshal([]byte(template), &content); err != nil {
		return nil, fmt.Errorf("the template cannot be read: %w", err)
	}
	var found []bucket
	for _, name := range sorted(content.Topology.Nodes) {
		if node := content.Topology.Nodes[name]; node.Type == bucketNode {
			found = append(found, node.Properties)
		}
	}
	return found, nil
}

// storage makes the buckets of the template.
func (p *deployment) storage(ctx context.Context) error {
	wanted, err := buckets(p.template)
	if err != nil {
		return err
	}
	for _, one := range wanted {
		one.Name = p.uuid + "-" + one.Name
		for what, value := range map[string]string{"S3 URL": one.URL, "Enable versioning property": one.Versioning} {
			if value == "" {
				return fmt.Errorf("%s not provided or empty", what)
			}
		}
		if !bucketName.MatchString(one.Name) || strings.Contains(one.Name, "..") {
			return fmt.Errorf("the bucket name %s is against the rules", one.Name)
		}
		access, secret, err := p.keys(ctx, one.URL)
		if err != nil {
			return err
		}
		if err := one.make(ctx, access, secret); err != nil {
			return fmt.Errorf("the bucket %s at %s: %w", one.Name, one.URL, err)
		}
		hop(p.uuid, "the object store has made "+one.Name)
	}
	return nil
}

// keys reads the user's keys of an object store: secrets/data/<sub><vault.path><host>/<group>, a KV mount of version 2.
func (p *deployment) keys(ctx context.Context, address string) (string, string, error) {
	_, host, _ := strings.Cut(address, "//")
	claims := Message{}
	_ = part(strings.Split(p.token, ".")[1], &claims)
	var found struct {
		Data struct {
			Data struct {
				Access string `json:"aws_access_key"`
				Secret string `json:"aws_secret_key"`
			}
		}
	}
	if p.env["VAULT_URL"] == "" {
		return "", "", fmt.Errorf("the vault is not configured, and the keys of %s are in it", host)
	}
	path := "/v1/secrets/data/" + claims.text("sub") + expand("${VAULT_PATH:/services_credential/}", p.env) + host + "/" + group
	if err := call(ctx, http.MethodGet, p.env["VAULT_URL"]+path, map[string]string{"X-Vault-Token": p.vault}, nil, &found); err != nil {
		return "", "", fmt.Errorf("the keys of %s are not to be had from the vault: %w", host, err)
	}
	return found.Data.Data.Access, found.Data.Data.Secret, nil
}

func (b bucket) make(ctx context.Context, access, secret string) error {
	attempt, cancel := context.WithTimeout(ctx, usual)
	defer cancel()
	ask := func(query string, body []byte) error {
		address, err := url.Parse(strings.TrimSuffix(b.URL, "/") + "/" + b.Name + query)
		if err != nil {
			return fmt.Errorf("its address cannot be parsed")
		}
		headers := signed(http.MethodPut, address, body, access, secret, time.Now())
		_, err = send(attempt, http.MethodPut, address.String(), headers, bytes.NewReader(body))
		return err
	}
	if err := ask("", nil); err != nil || b.Versioning != "true" {
		return err
	}
	return ask("?versioning=", []byte(versioned))
}

// signed returns the headers of a request that is signed with an access key (AWS documentation, Signature Version 4).
func signed(method string, address *url.URL, body []byte, access, secret string, now time.Time) map[string]string {
	moment, content := now.UTC().Format("20060102T150405Z"), digest(body)
	names := "host;x-amz-content-sha256;x-amz-date"
	request := strings.Join([]string{
		method, address.EscapedPath(), address.Query().Encode(),
		"host:" + address.Host, "x-amz-content-sha256:" + content, "x-amz-date:" + moment, "", names, content,
	}, "\n")
	scope := moment[:8] + "/" + region + "/s3/aws4_request"
	key := []byte("AWS4" + secret)
	for _, step := range append(strings.Split(scope, "/"), strings.Join([]string{"AWS4-HMAC-SHA256", moment, scope, digest([]byte(request))}, "\n")) {
		sum := hmac.New(sha256.New, key)
		sum.Write([]byte(step))
		key = sum.Sum(nil)
	}
	login := fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=%s,Signature=%s", access, scope, names, hex.EncodeToString(key))
	return map[string]string{"Authorization": login, "x-amz-content-sha256": content, "x-amz-date": moment}
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
