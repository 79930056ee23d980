package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Watched is the first line that `probe watch` reads; it goes on until its standard input ends.
type Watched struct {
	Milliseconds int             `json:"milliseconds"` // between two requests to the same target
	Timeout      int             `json:"timeout"`
	Targets      []WatchedTarget `json:"targets"`
}

// WatchedTarget is a server to ask: http by a GET of Path, the others by what their protocol begins with.
type WatchedTarget struct {
	Name    string `json:"name"`
	How     string `json:"how"` // http, tls, tcp
	Address string `json:"address"`
	Host    string `json:"host"`
	Path    string `json:"path"`
	Says    []byte `json:"says"`  // what a client of tcp says first, in base64
	Hears   bool   `json:"hears"` // whether a server of tcp has to say something
}

// Heard is one answer, written as one line; At is when it was asked, in milliseconds since 1970.
type Heard struct {
	Name         string `json:"name"`
	At           int64  `json:"at"`
	Milliseconds int64  `json:"milliseconds"`
	Error        string `json:"error"`
}

// watch asks every target again and again, whether or not the answer before has come, until its standard input ends;
// the answers that are missing then are waited for.
func watch() error {
	input := bufio.NewReader(os.Stdin)
	line, err := input.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	var watched Watched
	if err := json.Unmarshal(line, &watched); err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	if watched.Milliseconds < 1 || watched.Timeout < 1 {
		return errors.New("milliseconds and timeout have to be at least 1")
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, input)
		stop()
	}()
	heard, written := make(chan Heard, 64), make(chan struct{})
	go func() {
		defer close(written)
		writer := json.NewEncoder(os.Stdout)
		for one := range heard {
			if writer.Encode(one) != nil { // nobody listens any more
				stop()
			}
		}
	}()
	period := time.Duration(watched.Milliseconds) * time.Millisecond
	timeout := time.Duration(watched.Timeout) * time.Millisecond
	var group sync.WaitGroup
	for index, target := range watched.Targets {
		group.Add(1)
		go func() {
			defer group.Done()
			time.Sleep(period * time.Duration(index) / time.Duration(len(watched.Targets))) // not all at the same moment
			ticker := time.NewTicker(period)
			defer ticker.Stop()
			for ctx.Err() == nil {
				group.Add(1)
				go func() {
					defer group.Done()
					heard <- target.hear(timeout)
				}()
				select {
				case <-ticker.C:
				case <-ctx.Done():
				}
			}
		}()
	}
	group.Wait()
	close(heard)
	<-written
	return nil
}

func (t WatchedTarget) hear(timeout time.Duration) Heard {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	begin := time.Now()
	err := t.ask(ctx)
	heard := Heard{Name: t.Name, At: begin.UnixMilli(), Milliseconds: time.Since(begin).Milliseconds()}
	if err != nil {
		heard.Error = err.Error()
	}
	return heard
}

func (t WatchedTarget) ask(ctx context.Context) error {
	if t.How == "http" {
		return t.get(ctx)
	}
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", t.Address)
	if err != nil {
		return err
	}
	defer connection.Close()
	if deadline, limited := ctx.Deadline(); limited {
		connection.SetDeadline(deadline)
	}
	if t.How == "tls" {
		// nothing is sent but the beginning of the protocol: whose certificate it is does not matter here
		return tls.Client(connection, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx)
	}
	if _, err := connection.Write(t.Says); err != nil || !t.Hears {
		return err
	}
	_, err = connection.Read(make([]byte, 1))
	return err
}

// get asks on a connection of its own, as a client does that has none yet.
func (t WatchedTarget) get(ctx context.Context) error {
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, t.Address)
	}
	client := http.Client{
		Transport:     &http.Transport{DialContext: dial, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+t.Host+t.Path, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	if response.StatusCode >= 400 {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}
