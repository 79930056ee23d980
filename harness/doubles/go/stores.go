package main

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"log"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Store is a server that the software logs in to before it serves; every text may hold ${SETTING}.
type Store struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"` // mysql, valkey, kafka, bolt or http
	URL      string `json:"url"`  // instead of the others
	Address  string `json:"address"`
	User     string `json:"user"`
	Password string `json:"password"`
	Database string `json:"database"`
	// Seconds for which the software tries before it gives up.
	Patience int `json:"patience"`
	// Where it is neither `true` nor `a=a`, this store is not used at all.
	When string `json:"when"`
	// The software starts without it, and says so.
	Soft bool `json:"soft"`
	// Seconds without it after which the software ends by itself; 0: it stays.
	Ends int `json:"ends"`
	// Of http: headers of the request.
	Headers map[string]string `json:"headers"`
	// Of kafka: files in PEM, whether the broker's name is checked, topics that have to be there, the client's name.
	TLS    string   `json:"tls"`
	CA     string   `json:"ca"`
	Cert   string   `json:"cert"`
	Key    string   `json:"key"`
	Named  bool     `json:"named"`
	Topics []string `json:"topics"`
	Client string   `json:"client"`

	db    *sql.DB
	kafka *kgo.Client
	graph neo4j.DriverWithContext
}

// resolve replaces the references, and takes a URL apart.
func (s *Store) resolve(env map[string]string) error {
	fields := []*string{&s.URL, &s.Address, &s.User, &s.Password, &s.Database, &s.When, &s.TLS, &s.CA, &s.Cert, &s.Key, &s.Client}
	for index := range s.Topics {
		fields = append(fields, &s.Topics[index])
	}
	for _, field := range fields {
		*field = expand(*field, env)
	}
	for name, value := range s.Headers {
		s.Headers[name] = expand(value, env)
	}
	if s.URL == "" || s.Kind == "http" {
		return nil
	}
	parsed, err := url.Parse(s.URL)
	if err != nil { // the error of the library quotes the URL, and with it a password
		return fmt.Errorf("the address of %s cannot be parsed", s.Name)
	}
	s.Address, s.User, s.Database = parsed.Host, parsed.User.Username(), strings.TrimPrefix(parsed.Path, "/")
	s.Password, _ = parsed.User.Password()
	return nil
}

// used tells whether the settings switch the store on: `true`, or `a=b` with the same on both sides.
func (s *Store) used() bool {
	left, right, compared := strings.Cut(s.When, "=")
	return s.When == "" || truth(s.When) || compared && left == right
}

func truth(text string) bool { return strings.EqualFold(text, "true") || text == "1" || text == "yes" }

// where names the store for a log; a URL may hold a password.
func (s *Store) where() string {
	if s.Address != "" {
		return s.Address
	}
	if parsed, err := url.Parse(s.URL); err == nil {
		return parsed.Redacted()
	}
	return s.Kind
}

// login waits until the store accepts user and password.
func (s *Store) login(ctx context.Context) error {
	end := time.Now().Add(time.Duration(s.Patience) * time.Second)
	for {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := s.ping(attempt)
		cancel()
		if err == nil {
			log.Printf("logged in to %s at %s", s.Name, s.where())
			return nil
		}
		if ctx.Err() != nil || time.Now().After(end) {
			return fmt.Errorf("cannot log in to %s at %s: %w", s.Name, s.where(), err)
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// ping asks the store something that only a logged-in client is answered.
func (s *Store) ping(ctx context.Context) error {
	switch s.Kind {
	case "valkey":
		return s.pingValkey(ctx)
	case "kafka":
		return s.pingKafka(ctx)
	case "bolt":
		return s.pingGraph(ctx)
	case "http":
		return s.get(ctx)
	}
	if s.db == nil {
		config := mysql.NewConfig()
		config.Net, config.Addr, config.User, config.Passwd, config.DBName = "tcp", s.Address, s.User, s.Password, s.Database
		config.Timeout, config.ReadTimeout = 3*time.Second, 3*time.Second
		config.Logger = log.New(nowhere{}, "", 0)
		connector, err := mysql.NewConnector(config)
		if err != nil {
			return err
		}
		s.db = sql.OpenDB(connector)
		s.db.SetMaxOpenConns(4)
	}
	var one int
	return s.db.QueryRowContext(ctx, "SELECT 1").Scan(&one)
}

type nowhere struct{}

func (nowhere) Write(data []byte) (int, error) { return len(data), nil }

// pingValkey speaks RESP (https://valkey.io/topics/protocol/): AUTH, SELECT, PING.
func (s *Store) pingValkey(ctx context.Context) error {
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return err
	}
	defer connection.Close()
	if deadline, set := ctx.Deadline(); set {
		_ = connection.SetDeadline(deadline)
	}
	reader := bufio.NewReader(connection)
	var commands [][]string
	if s.Password != "" {
		commands = append(commands, []string{"AUTH", s.Password})
	}
	if s.Database != "" {
		commands = append(commands, []string{"SELECT", s.Database})
	}
	for _, words := range append(commands, []string{"PING"}) {
		request := fmt.Sprintf("*%d\r\n", len(words))
		for _, word := range words {
			request += fmt.Sprintf("$%d\r\n%s\r\n", len(word), word)
		}
		if _, err := connection.Write([]byte(request)); err != nil {
			return err
		}
		line, err := reader.ReadString('\n')
		if err != nil {
			return err
		}
		if !strings.HasPrefix(line, "+") {
			return fmt.Errorf("%s is answered by %s", words[0], strings.TrimSpace(line))
		}
	}
	return nil
}
