package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
)

// handler serves the paths of one port; all others are not found, as on the real one's.
func (d *Description) handler(port string, env map[string]string) http.Handler {
	mux := http.NewServeMux()
	for _, answer := range d.Answers {
		if answer.Port != port {
			continue
		}
		path := answer.Path
		if strings.HasSuffix(path, "/") {
			path += "{$}" // this path and none below it
		}
		mux.HandleFunc(path, func(writer http.ResponseWriter, request *http.Request) { d.answer(answer, env, writer, request) })
	}
	return mux
}

func (d *Description) answer(answer Answer, env map[string]string, writer http.ResponseWriter, request *http.Request) {
	if store := d.away(answer, request.Context()); store != nil {
		writer.Header().Set("Content-Type", "application/json")
		writer.WriteHeader(answer.Failing)
		_ = json.NewEncoder(writer).Encode(map[string]string{"status": "DOWN", "store": store.Name})
		return
	}
	if refused := answer.guard(request, env); refused != nil {
		log.Printf("%s %s: %v", request.Method, answer.Path, refused)
		http.Error(writer, refused.Error(), refused.status)
		return
	}
	if does, known := handlers[answer.Does]; known {
		does(d, env, writer, request)
		return
	}
	writer.Header().Set("Content-Type", answer.Type)
	_, _ = writer.Write([]byte(expand(answer.Body, env) + "\n"))
}

// away returns the first store that an answer asks and that does not answer.
func (d *Description) away(answer Answer, ctx context.Context) *Store {
	for index := range d.Stores {
		store := &d.Stores[index]
		if !slices.Contains(answer.Asks, store.Name) || !store.used() {
			continue
		}
		attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := store.ping(attempt)
		cancel()
		if err != nil {
			log.Printf("%s: %s does not answer: %v", answer.Path, store.Name, err)
			return store
		}
	}
	return nil
}

var handlers = map[string]func(*Description, map[string]string, http.ResponseWriter, *http.Request){
	"rank": (*Description).rank, "providers": (*Description).providers,
	"keys": (*Description).keys, "token": (*Description).token, "userinfo": (*Description).userinfo,
	"deployments": (*Description).deployments, "deployment": (*Description).deployment,
	"shown": (*Description).shown, "callback": (*Description).callback,
}

// rank answers with the ranked providers of the deployment that the body names, or 404 after QUERY_TIMEOUT.
func (d *Description) rank(env map[string]string, writer http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(request.Body, 1024))
	uuid := strings.TrimSpace(string(body))
	seconds, err := strconv.Atoi(expand("${FLASK_QUERY_TIMEOUT:5}", env))
	if err != nil {
		seconds = 5
	}
	for end := time.Now().Add(time.Duration(seconds) * time.Second); ; time.Sleep(100 * time.Millisecond) {
		ranks.Lock()
		found, here := ranks.of[uuid]
		ranks.Unlock()
		if here {
			hop(uuid, "its ranks are asked for")
			writer.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(writer).Encode(found)
			return
		}
		if time.Now().After(end) {
			http.Error(writer, "no ranks of "+uuid, http.StatusNotFound)
			return
		}
	}
}

// providers is the registry's list: POST writes one as a node of the graph, GET reads all.
func (d *Description) providers(_ map[string]string, writer http.ResponseWriter, request *http.Request) {
	query, values := "MATCH (p:IndigoDoubleProvider) RETURN p.name AS name ORDER BY name", map[string]any{}
	status := http.StatusOK
	if request.Method == http.MethodPost {
		var provider struct{ Name string }
		if err := json.NewDecoder(io.LimitReader(request.Body, 1<<20)).Decode(&provider); err != nil || provider.Name == "" {
			http.Error(writer, "a provider has a name", http.StatusUnprocessableEntity)
			return
		}
		query, values["name"], status = "MERGE (p:IndigoDoubleProvider {name: $name}) RETURN p.name AS name", provider.Name, http.StatusCreated
	}
	result, err := neo4j.ExecuteQuery(request.Context(), d.Stores[0].graph, query, values, neo4j.EagerResultTransformer)
	if err != nil {
		http.Error(writer, "the graph does not answer", http.StatusInternalServerError)
		return
	}
	found := []map[string]any{}
	for _, record := range result.Records {
		found = append(found, record.AsMap())
	}
	writer.Header().Set("Content-Type", "application/json")
	writer.WriteHeader(status)
	_ = json.NewEncoder(writer).Encode(found)
}

// refusal is why a request is not let in.
type refusal struct {
	status int
	why    string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d: %s", r.status, r.why) }

// guard lets a request in whose key or token is right, as far as the answer asks for any.
func (a Answer) guard(request *http.Request, env map[string]string) *refusal {
	if a.Key == "" && a.Issuers == "" || a.Open && request.Method == http.MethodGet {
		return nil
	}
	if key := expand(a.Key, env); key != "" && request.Header.Get("X-API-Key") == key {
		return nil
	}
	token, given := strings.CutPrefix(request.Header.Get("Authorization"), "Bearer ")
	if !given {
		return &refusal{http.StatusUnauthorized, "no token was given"}
	}
	claims, err := trusted(request.Context(), token, expand(a.Issuers, env))
	if err != nil {
		return &refusal{http.StatusUnauthorized, err.Error()}
	}
	if a.Policy == "" {
		return nil
	}
	return decide(request, expand(a.Policy, env), claims)
}

// decide asks OPA, as the software does: the claims of the user, path and method.
func decide(request *http.Request, url string, claims Message) *refusal {
	input := map[string]any{"input": map[string]any{
		"user_info": claims, "path": request.URL.Path, "method": request.Method, "has_body": request.ContentLength > 0,
	}}
	var said struct{ Result struct{ Allow bool } }
	if err := call(request.Context(), http.MethodPost, url, nil, input, &said); err != nil {
		return &refusal{http.StatusInternalServerError, "the policy server does not answer: " + err.Error()}
	}
	if !said.Result.Allow {
		return &refusal{http.StatusForbidden, "the policy does not allow it"}
	}
	return nil
}
