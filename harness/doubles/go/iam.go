package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

// What IAM's double does with its keystore: it publishes the public half and signs tokens. The real one keeps accounts and
// clients in its database; here there is the administrator and the platform's own client, whose passwords are settings.

const (
	administrator = "admin"           // IAM db/migration/prod/V3___basic_configuration.sql
	platform      = "indigo-platform" // this chart, the client of the Job
	tokenSeconds  = 3600              // IAM_DEFAULT_ACCESS_TOKEN_VALIDITY_SECONDS
)

// keystore returns the private keys of the settings' file, in the form of a JWK set.
func (d *Description) keystore(env map[string]string) ([]jwk, error) {
	content, err := os.ReadFile(strings.TrimPrefix(expand(d.Files[0].Path, env), "file:"))
	if err != nil {
		return nil, err
	}
	var set struct{ Keys []jwk }
	return set.Keys, json.Unmarshal(content, &set)
}

// keys answers with the public keys.
func (d *Description) keys(env map[string]string, writer http.ResponseWriter, _ *http.Request) {
	private, err := d.keystore(env)
	if err != nil {
		http.Error(writer, "the keystore cannot be read", http.StatusInternalServerError)
		return
	}
	public := []map[string]string{}
	for _, key := range private {
		public = append(public, map[string]string{"kty": key.Kty, "kid": key.Kid, "n": key.N, "e": key.E, "alg": "RS256", "use": "sig"})
	}
	reply(writer, http.StatusOK, Message{"keys": public})
}

// token answers the grants password (the administrator), client_credentials (the platform's client) and token-exchange
// (whoever has a token of ours, for another audience).
func (d *Description) token(env map[string]string, writer http.ResponseWriter, request *http.Request) {
	claims := Message{"aud": request.FormValue("audience")}
	switch grant := request.FormValue("grant_type"); grant {
	case "password":
		claims["sub"] = administrator
		if request.FormValue("username") != administrator || !same(request.FormValue("password"), env["SPRING_FLYWAY_PLACEHOLDERS_ADMINPASSWORD"]) {
			reply(writer, http.StatusUnauthorized, Message{"error": "invalid_grant"})
			return
		}
	case "client_credentials":
		id, secret, _ := request.BasicAuth()
		claims["sub"] = platform
		if id != platform || !same(secret, env["SPRING_FLYWAY_PLACEHOLDERS_PROVISIONERSECRET"]) {
			reply(writer, http.StatusUnauthorized, Message{"error": "invalid_client"})
			return
		}
	case "urn:ietf:params:oauth:grant-type:token-exchange":
		own, err := d.own(env, request.FormValue("subject_token"))
		if err != nil {
			reply(writer, http.StatusUnauthorized, Message{"error": "invalid_grant", "error_description": err.Error()})
			return
		}
		claims["sub"] = own["sub"]
	default:
		reply(writer, http.StatusBadRequest, Message{"error": "unsupported_grant_type"})
		return
	}
	signed, err := d.sign(env, claims)
	if err != nil {
		http.Error(writer, err.Error(), http.StatusInternalServerError)
		return
	}
	reply(writer, http.StatusOK, Message{"access_token": signed, "token_type": "Bearer", "expires_in": tokenSeconds})
}

func same(given, wanted string) bool { return wanted != "" && given == wanted }

// userinfo answers with who a token is about.
func (d *Description) userinfo(env map[string]string, writer http.ResponseWriter, request *http.Request) {
	claims, err := d.own(env, strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer "))
	if err != nil {
		reply(writer, http.StatusUnauthorized, Message{"error": "invalid_token"})
		return
	}
	reply(writer, http.StatusOK, claims)
}

func (d *Description) sign(env map[string]string, claims Message) (string, error) {
	private, err := d.keystore(env)
	wanted := expand("${IAM_JWK_DEFAULT_KEY_ID:rsa1}", env)
	for _, key := range private {
		if key.Kid != wanted {
			continue
		}
		now := time.Now()
		claims["iss"], claims["iat"], claims["exp"] = env["IAM_ISSUER"], now.Unix(), now.Unix()+tokenSeconds
		claims["jti"] = fmt.Sprintf("%x", now.UnixNano())
		claims["preferred_username"], claims["name"], claims["groups"] = claims["sub"], claims["sub"], []string{"users"}
		claims["organisation_name"], claims["scope"] = env["IAM_ORGANISATION_NAME"], "openid profile email offline_access"
		if claims["aud"] == "" {
			delete(claims, "aud")
		}
		text := written(Message{"alg": "RS256", "kid": key.Kid, "typ": "JWT"}) + "." + written(claims)
		digest := sha256.Sum256([]byte(text))
		own := &rsa.PrivateKey{PublicKey: *key.public(), D: number(key.D)}
		own.Primes = append(own.Primes, number(key.P), number(key.Q))
		own.Precompute()
		signature, err := rsa.SignPKCS1v15(rand.Reader, own, crypto.SHA256, digest[:])
		return text + "." + base64.RawURLEncoding.EncodeToString(signature), err
	}
	return "", fmt.Errorf("the keystore has no key %s: %w", wanted, err)
}

// own returns the claims of a token that this issuer has signed.
func (d *Description) own(env map[string]string, token string) (Message, error) {
	private, err := d.keystore(env)
	if err != nil {
		return nil, err
	}
	return verified(token, func(issuer, kid string) (*rsa.PublicKey, error) {
		for _, key := range private {
			if key.Kid == kid && issuer == env["IAM_ISSUER"] {
				return key.public(), nil
			}
		}
		return nil, fmt.Errorf("no key %s of %s", kid, issuer)
	})
}

func written(content Message) string {
	text, _ := json.Marshal(content)
	return base64.RawURLEncoding.EncodeToString(text)
}

func reply(writer http.ResponseWriter, status int, content any) {
	writer.Header().Set("Content-Type", "application/json")
	writer.WriteHeader(status)
	_ = json.NewEncoder(writer).Encode(content)
}
