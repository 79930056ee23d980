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
)

// Store is a server that the software logs in to before it serves; every field may hold ${SETTING}.
type Store struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"` // mysql or valkey
	URL      string `json:"url"`  // instead of the others
	Address  string `json:"address"`
	User     string `json:"user"`
	Password string `json:"password"`
	Database string `json:"database"`
	// Seconds for which the software tries before it gives up.
	Patience int `json:"patience"`

	db *sql.DB
}

// resolve replaces the references, and takes a URL apart.
func (s *Store) resolve(env map[string]string) error {
	for _, field := range []*string{&s.URL, &s.Address, &s.User, &s.Password, &s.Database} {
		*field = expand(*field, env)
	}
	if s.URL == "" {
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

// login waits until the store accepts user and password.
func (s *Store) login(ctx context.Context) error {
	end := time.Now().Add(time.Duration(s.Patience) * time.Second)
	for {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := s.ping(attempt)
		cancel()
		if err == nil {
			log.Printf("logged in to %s at %s", s.Name, s.Address)
			return nil
		}
		if ctx.Err() != nil || time.Now().After(end) {
			return fmt.Errorf("cannot log in to %s at %s: %w", s.Name, s.Address, err)
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// ping asks the store something that only a logged-in client is answered.
func (s *Store) ping(ctx context.Context) error {
	if s.Kind == "valkey" {
		return s.pingValkey(ctx)
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

// note writes a row, as whatever the software writes at its start: it needs the right to make tables.
func (s *Store) note(ctx context.Context, component string) error {
	if s.db == nil {
		return nil
	}
	for _, statement := range []string{
		"CREATE TABLE IF NOT EXISTS indigo_double (id INT AUTO_INCREMENT PRIMARY KEY, component VARCHAR(64), started DATETIME)",
		"INSERT INTO indigo_double (component, started) VALUES ('" + component + "', UTC_TIMESTAMP())",
	} {
		if _, err := s.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return nil
}

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
