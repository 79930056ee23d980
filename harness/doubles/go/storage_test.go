package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The examples of the AWS documentation (Signature Calculations for the Authorization Header).
func TestSignatureIsThatOfTheExamples(t *testing.T) {
	now := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	for query, wanted := range map[string]string{
		"lifecycle=":          "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
		"prefix=J&max-keys=2": "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
	} {
		address := &url.URL{Scheme: "https", Host: "examplebucket.s3.amazonaws.com", Path: "/", RawQuery: query}
		headers := signed(http.MethodGet, address, nil, "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", now)
		if !strings.HasSuffix(headers["Authorization"], "Signature="+wanted) {
			t.Errorf("%s: %s", query, headers["Authorization"])
		}
	}
}

const template = `
tosca_definitions_version: tosca_simple_yaml_1_0
topology_template:
  node_templates:
    other: {type: tosca.nodes.Root}
    store: {type: tosca.nodes.indigo.S3Bucket, properties: {bucket_name: kept, s3_url: "STORE", enable_versioning: "true"}}
`

// A vault that has the keys of one host for one user and group, and a store that knows one access key.
func TestBucketsAreMadeWithTheUsersKeysOfTheVault(t *testing.T) {
	var asked []string
	store := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		if !strings.Contains(request.Header.Get("Authorization"), "Credential=mine/") {
			http.Error(writer, "<Code>InvalidAccessKeyId</Code>", http.StatusForbidden)
			return
		}
		asked = append(asked, request.Method+" "+request.URL.String())
	}))
	defer store.Close()
	access := "mine"
	vault := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		wanted := "/v1/secrets/data/someone/services_credential/" + strings.TrimPrefix(store.URL, "http://") + "/users"
		if request.Header.Get("X-Vault-Token") != "let-in" || request.URL.Path != wanted {
			http.Error(writer, "permission denied", http.StatusForbidden)
			return
		}
		reply(writer, http.StatusOK, Message{"data": Message{"data": Message{"aws_access_key": access, "aws_secret_key": "s"}}})
	}))
	defer vault.Close()
	made := func(vaultToken, text string) error {
		one := &deployment{uuid: "u", token: "." + written(Message{"sub": "someone"}) + ".", vault: vaultToken}
		one.env, one.template = map[string]string{"VAULT_URL": vault.URL}, strings.ReplaceAll(text, "STORE", store.URL)
		return one.storage(context.Background())
	}
	if err := made("let-in", template); err != nil || strings.Join(asked, ", ") != "PUT /u-kept, PUT /u-kept?versioning=" {
		t.Errorf("%v: %v", err, asked)
	}
	if err := made("let-in", "topology_template: {}"); err != nil || len(asked) != 2 {
		t.Errorf("a template without buckets: %v", err)
	}
	access = "somebody-elses"
	for _, wrong := range []struct{ token, text, said string }{
		{"let-in", template, "403 Forbidden: <Code>InvalidAccessKeyId"},
		{"no", template, "are not to be had from the vault"},
		{"let-in", strings.Replace(template, "kept", "Not_Allowed", 1), "is against the rules"},
		{"let-in", strings.Replace(template, `, enable_versioning: "true"`, "", 1), "Enable versioning property not provided"},
		{"let-in", "topology_template: [", "cannot be read"},
	} {
		if err := made(wrong.token, wrong.text); err == nil || !strings.Contains(err.Error(), wrong.said) {
			t.Errorf("%q: %v", wrong.said, err)
		}
	}
}
