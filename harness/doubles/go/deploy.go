package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"
)

// The Orchestrator's way of one request: a row, lines of its log (which the shipper takes to Kafka), the ranks from the Kafka
// proxy, the login at the vault, an infrastructure at the Infrastructure Manager, the callback.

const (
	journal = "CREATE TABLE IF NOT EXISTS indigo_double_deployments (uuid CHAR(36) PRIMARY KEY, status VARCHAR(32), reason TEXT, " +
		"created DATETIME, ranked TEXT, infrastructure TEXT)"
	service = "i.r.o.service.DeploymentServiceImpl" // the logger whose lines upstream's parsers look for
	group   = "users"                               // of every user of IAM's double
	cloud   = "id = cloud; type = Dummy; username = nobody; password = nothing"
	simple  = "network net (outbound = 'no')\nsystem node (cpu.arch='x86_64' and cpu.count>=1 and memory.size>=512m and " +
		"net_interface.0.connection = 'net' and disk.0.os.name='linux' and disk.0.image.url = 'mock0://cloud/1' and " +
		"disk.0.os.credentials.username = 'user' and disk.0.os.credentials.password = 'none')\ndeploy node 1\n"
)

// deployment is one request on its way.
type deployment struct {
	uuid, token, issuer, callback string
	template, vault               string // the latter: what the vault has given it
	double                        *Description
	env                           map[string]string
}

// deployments is /deployments: POST takes a request, GET answers with all of them.
func (d *Description) deployments(env map[string]string, writer http.ResponseWriter, request *http.Request) {
	if _, err := d.Stores[0].db.ExecContext(request.Context(), journal); err != nil {
		http.Error(writer, "the database does not answer", http.StatusInternalServerError)
		return
	}
	if request.Method == http.MethodGet {
		found, err := d.rows(request.Context(), "")
		if err != nil {
			http.Error(writer, "the database does not answer", http.StatusInternalServerError)
			return
		}
		reply(writer, http.StatusOK, Message{"content": found})
		return
	}
	var wanted struct{ Template, Callback string }
	if err := json.NewDecoder(io.LimitReader(request.Body, 16<<20)).Decode(&wanted); err != nil || !strings.Contains(wanted.Template, "tosca_definitions_version") {
		http.Error(writer, "template: is no TOSCA", http.StatusBadRequest)
		return
	}
	own := &deployment{uuid: newUUID(), callback: wanted.Callback, template: wanted.Template, double: d, env: env}
	own.token = strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer ")
	claims := Message{}
	_ = part(strings.Split(own.token, ".")[1], &claims) // the guard has verified it
	own.issuer = claims.text("iss")
	if err := own.save(request.Context(), "CREATE_IN_PROGRESS", ""); err != nil {
		http.Error(writer, "the database does not answer", http.StatusInternalServerError)
		return
	}
	hop(own.uuid, "taken at "+seen(request, expand("${server.use-forward-headers:true}", env)))
	go own.run()
	reply(writer, http.StatusCreated, Message{"uuid": own.uuid, "status": "CREATE_IN_PROGRESS"})
}

// seen is the address that a request was sent to, and by whom, as a server behind a gateway sees it.
func seen(request *http.Request, believed string) string {
	scheme, client, prefix := "http", request.RemoteAddr, ""
	if truth(believed) && request.Header.Get("X-Forwarded-Proto") != "" { // ORC application.properties
		scheme, client = request.Header.Get("X-Forwarded-Proto"), request.Header.Get("X-Forwarded-For")
		prefix = request.Header.Get("X-Forwarded-Prefix")
	}
	return scheme + "://" + request.Host + prefix + request.URL.Path + " for " + client
}

// deployment is /deployments/{uuid}.
func (d *Description) deployment(_ map[string]string, writer http.ResponseWriter, request *http.Request) {
	found, err := d.rows(request.Context(), request.PathValue("uuid"))
	switch {
	case err != nil:
		http.Error(writer, "the database does not answer", http.StatusInternalServerError)
	case len(found) == 0:
		http.Error(writer, "no such deployment", http.StatusNotFound)
	default:
		reply(writer, http.StatusOK, found[0])
	}
}

func (d *Description) rows(ctx context.Context, uuid string) ([]Message, error) {
	rows, err := d.Stores[0].db.QueryContext(ctx, "SELECT uuid, status, reason, ranked, infrastructure FROM indigo_double_deployments WHERE uuid = ? OR ? = '' ORDER BY created", uuid, uuid)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := []Message{}
	for rows.Next() {
		var id, status, reason, ranked, infrastructure string
		if err := rows.Scan(&id, &status, &reason, &ranked, &infrastructure); err != nil {
			return nil, err
		}
		found = append(found, Message{"uuid": id, "status": status, "statusReason": reason, "ranked": ranked, "infrastructure": infrastructure})
	}
	return found, rows.Err()
}

func (p *deployment) save(ctx context.Context, status, reason string) error {
	_, err := p.double.Stores[0].db.ExecContext(ctx, "INSERT INTO indigo_double_deployments VALUES (?, ?, ?, UTC_TIMESTAMP(), '', '') "+
		"ON DUPLICATE KEY UPDATE status = VALUES(status), reason = VALUES(reason)", p.uuid, status, reason)
	return err
}

func (p *deployment) note(ctx context.Context, column, value string) error { // column is a word of ours
	_, err := p.double.Stores[0].db.ExecContext(ctx, "UPDATE indigo_double_deployments SET "+column+" = ? WHERE uuid = ?", value, p.uuid)
	return err
}

func (p *deployment) run() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	status, reason := "CREATE_COMPLETE", ""
	p.say("Creating deployment with template\n"+p.template, Message{"user_group": group})
	for _, step := range []func(context.Context) error{p.rank, p.credentials, p.storage, p.infrastructure} {
		if err := step(ctx); err != nil {
			status, reason = "CREATE_FAILED", err.Error()
			break
		}
	}
	if status == "CREATE_COMPLETE" {
		p.say("Deployment completed successfully.", Message{})
	} else {
		p.say("Deployment in error.", Message{"status_reason": reason})
	}
	if err := p.save(ctx, status, reason); err != nil {
		log.Printf("deployment %s: %v", p.uuid, err)
	}
	hop(p.uuid, status)
	if p.callback != "" {
		if err := call(ctx, http.MethodPost, p.callback, nil, Message{"uuid": p.uuid, "status": status}, nil); err != nil {
			log.Printf("callback of %s: %v", p.uuid, err) // only logged, as upstream (ORC CallbackServiceImpl)
		}
	}
}

var destination = regexp.MustCompile(`<destination>([^<]+)</destination>`)

// say writes to the log, and to the log shipper where logback.xml names one; without it nothing waits.
func (p *deployment) say(text string, about Message) {
	about["uuid"] = p.uuid
	content, _ := json.Marshal(about)
	stamp := time.Now().UTC().Format("2006-01-02 15:04:05.000") + "  INFO 1 --- [main] " + service + "      : "
	lines := stamp + text + "\n" + stamp + strings.SplitN(text, "\n", 2)[0] + " " + string(content) + "\n"
	_, _ = os.Stdout.WriteString(lines)
	logback, err := os.ReadFile(p.env["LOGGING_CONFIG"])
	found := destination.FindSubmatch(logback)
	if err != nil || found == nil {
		return
	}
	connection, err := net.DialTimeout("tcp", string(found[1]), 3*time.Second)
	if err != nil {
		log.Printf("the log shipper does not take lines: %v", err)
		return
	}
	defer connection.Close()
	_, _ = connection.Write([]byte(lines))
}

// rank asks for the ranked providers (ORC CloudProviderRankerServiceV2Impl): the body is the deployment's id, 404 a failure.
func (p *deployment) rank(ctx context.Context) error {
	base := p.env["CPR_URL"]
	if base == "" || p.env["CPR_SERVICE_VERSION"] != "v2" {
		return nil
	}
	attempt, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	address := base + expand("${CPR_RANK_PATH:/rank}", p.env)
	body, err := send(attempt, http.MethodPost, address, map[string]string{"Content-Type": "application/json"}, strings.NewReader(p.uuid))
	if err != nil {
		return fmt.Errorf("the ranker: %w", err)
	}
	hop(p.uuid, "ranks received")
	return p.note(ctx, "ranked", string(bytes.TrimSpace(body)))
}

// credentials logs in at the vault with a token for it (ORC VaultServiceImpl).
func (p *deployment) credentials(ctx context.Context) error {
	vault := p.env["VAULT_URL"]
	if vault == "" {
		return nil
	}
	var audiences []string
	for name, value := range p.env {
		if strings.HasPrefix(name, "oidc.iam-properties.") && strings.HasSuffix(name, ".audience") {
			audiences = append(audiences, value)
		}
	}
	if len(audiences) == 0 {
		return fmt.Errorf("no audience for the vault is set")
	}
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {p.token}, "audience": {audiences[0]}}
	client := base64.StdEncoding.EncodeToString([]byte(p.env["ORCHESTRATOR_OIDC_CLIENT_ID"] + ":" + p.env["ORCHESTRATOR_OIDC_CLIENT_SECRET"]))
	var exchanged struct {
		Token string `json:"access_token"`
	}
	headers := map[string]string{"Authorization": "Basic " + client}
	if err := post(ctx, strings.TrimSuffix(p.issuer, "/")+"/token", headers, form, &exchanged); err != nil {
		return fmt.Errorf("the issuer exchanges no token: %w", err)
	}
	var given struct {
		Auth struct {
			Token string `json:"client_token"`
		}
	}
	login := Message{"jwt": exchanged.Token, "role": expand("${VAULT_ROLE:orchestrator}", p.env)}
	if err := call(ctx, http.MethodPost, vault+"/v1/auth/jwt/login", nil, login, &given); err != nil {
		return fmt.Errorf("the vault lets nobody in: %w", err)
	}
	p.vault = given.Auth.Token
	hop(p.uuid, "the vault has let it in")
	return nil
}

// infrastructure asks the Infrastructure Manager for machines of its own dummy cloud (IM doc/source/REST.rst).
func (p *deployment) infrastructure(ctx context.Context) error {
	base := p.env["IM_URL"]
	if base == "" {
		return nil
	}
	attempt, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	login := "id = im; type = InfrastructureManager; token = " + p.token + `\n` + cloud
	headers := map[string]string{"Content-Type": "text/plain", "Authorization": login}
	body, err := send(attempt, http.MethodPost, base+"/infrastructures", headers, strings.NewReader(simple))
	if err != nil {
		return fmt.Errorf("the Infrastructure Manager: %w", err)
	}
	hop(p.uuid, "the Infrastructure Manager has made "+strings.TrimSpace(string(body)))
	return p.note(ctx, "infrastructure", strings.TrimSpace(string(body)))
}

func newUUID() string {
	content := make([]byte, 16)
	_, _ = rand.Read(content)
	content[6], content[8] = content[6]&0x0f|0x40, content[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", content[:4], content[4:6], content[6:8], content[8:10], content[10:])
}

// shown is the Dashboard's page of a deployment: asked at the Orchestrator with the user's token.
func (d *Description) shown(env map[string]string, writer http.ResponseWriter, request *http.Request) {
	var found Message
	headers := map[string]string{"Authorization": request.Header.Get("Authorization")}
	address := env["FLASK_ORCHESTRATOR_URL"] + "/deployments/" + url.PathEscape(request.PathValue("uuid"))
	if err := call(request.Context(), http.MethodGet, address, headers, nil, &found); err != nil {
		log.Printf("deployment %s: %v", request.PathValue("uuid"), err)
		http.Error(writer, "the Orchestrator does not answer", http.StatusBadGateway)
		return
	}
	hop(found.text("uuid"), "shown as "+found.text("status"))
	reply(writer, http.StatusOK, found)
}

// callback is where the Orchestrator tells of the end of a deployment; nobody has to log in (CSRF-exempt upstream).
func (d *Description) callback(_ map[string]string, writer http.ResponseWriter, request *http.Request) {
	var told struct{ UUID, Status string }
	if err := json.NewDecoder(io.LimitReader(request.Body, 1<<20)).Decode(&told); err != nil {
		http.Error(writer, "no JSON", http.StatusBadRequest)
		return
	}
	hop(told.UUID, "called back: "+told.Status)
	reply(writer, http.StatusOK, Message{"message": "ok"})
}
