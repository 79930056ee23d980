package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// Questions are what `probe ask` reads from its standard input.
type Questions struct {
	Milliseconds int      `json:"milliseconds"`
	Connect      []string `json:"connect"`
	Lookup       []string `json:"lookup"`
}

// Reply is one answer; Error is empty where it worked.
type Reply struct {
	Target       string `json:"target"`
	Error        string `json:"error"`
	Milliseconds int64  `json:"milliseconds"`
}

const together = 64

// probe is `probe serve PORT...`, which listens until SIGTERM, `probe ask`, or `probe watch`.
func probe(arguments []string) error {
	if len(arguments) > 0 && arguments[0] == "serve" {
		return listen(arguments[1:])
	}
	if len(arguments) == 1 && arguments[0] == "ask" {
		return ask()
	}
	if len(arguments) == 1 && arguments[0] == "watch" {
		return watch()
	}
	return errors.New("probe serve PORT... | probe ask | probe watch")
}

func listen(ports []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	for _, port := range ports {
		listener, err := net.Listen("tcp", ":"+port)
		if err != nil {
			return err
		}
		go accept(listener)
	}
	log.Printf("listens on %v", ports)
	<-ctx.Done()
	return nil
}

func ask() error {
	var questions Questions
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	timeout := time.Duration(questions.Milliseconds) * time.Millisecond
	connect := func(ctx context.Context, target string) error {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", target)
		if err == nil {
			err = connection.Close()
		}
		return err
	}
	lookup := func(ctx context.Context, name string) error {
		_, err := (&net.Resolver{PreferGo: true}).LookupHost(ctx, name)
		return err
	}
	replies := make([]Reply, 0, len(questions.Connect)+len(questions.Lookup))
	replies = append(replies, each(questions.Connect, timeout, connect)...)
	replies = append(replies, each(questions.Lookup, timeout, lookup)...)
	return json.NewEncoder(os.Stdout).Encode(replies)
}

// each tries all targets, at most `together` of them at once.
func each(targets []string, timeout time.Duration, try func(context.Context, string) error) []Reply {
	replies := make([]Reply, len(targets))
	slots := make(chan struct{}, together)
	var group sync.WaitGroup
	for index, target := range targets {
		group.Add(1)
		go func() {
			defer group.Done()
			slots <- struct{}{}
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(context.Background(), timeout)
			defer cancel()
			begin := time.Now()
			replies[index] = Reply{Target: target}
			if err := try(ctx, target); err != nil {
				replies[index].Error = err.Error()
			}
			replies[index].Milliseconds = time.Since(begin).Milliseconds()
		}()
	}
	group.Wait()
	return replies
}
