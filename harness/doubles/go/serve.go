package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// run is the life of the component: settings, files, stores, ports, until SIGTERM; or a job, to its end.
func (d *Description) run(argv []string, env map[string]string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	problems := append(d.check(env), d.files(env)...)
	if len(problems) > 0 {
		return errors.New("does not start: " + strings.Join(problems, "; "))
	}
	job := d.job(argv)
	for index := range d.Stores {
		store := &d.Stores[index]
		if err := store.resolve(env); err != nil {
			return err
		}
		if err := store.login(ctx); err != nil {
			return err
		}
		if job != nil || len(d.Jobs) == 0 { // who has a job that migrates leaves the schema to it
			if err := store.note(ctx, d.Component); err != nil {
				return err
			}
		}
	}
	if job != nil {
		log.Print(job.Says)
		return nil
	}
	return d.serve(ctx, env)
}

// job returns the one whose word is among the arguments.
func (d *Description) job(argv []string) *Job {
	for index := range d.Jobs {
		if slices.ContainsFunc(argv, func(word string) bool { return strings.Contains(word, d.Jobs[index].Word) }) {
			return &d.Jobs[index]
		}
	}
	return nil
}

func (d *Description) serve(ctx context.Context, env map[string]string) error {
	failed := make(chan error, len(d.Ports))
	var servers []*http.Server
	for _, name := range sorted(d.Ports) {
		port := d.Ports[name]
		listener, err := net.Listen("tcp", fmt.Sprintf(":%d", port.Number))
		if err != nil {
			return fmt.Errorf("port %s: %w", name, err)
		}
		log.Printf("listens on port %d (%s)", port.Number, name)
		if port.Protocol != "http" {
			go accept(listener)
			continue
		}
		server := &http.Server{Handler: d.handler(name, env), ReadHeaderTimeout: 10 * time.Second}
		servers = append(servers, server)
		go func() { failed <- server.Serve(listener) }()
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Print("SIGTERM: requests that run are finished")
	grace, cancel := context.WithTimeout(context.Background(), time.Duration(d.Grace)*time.Second)
	defer cancel()
	for _, server := range servers {
		if err := server.Shutdown(grace); err != nil {
			return err
		}
	}
	return nil
}

// handler serves the paths of one port; all others are not found, as on the real one's.
func (d *Description) handler(port string, env map[string]string) http.Handler {
	mux := http.NewServeMux()
	for _, answer := range d.Answers {
		if answer.Port == port {
			mux.HandleFunc(answer.Path, func(writer http.ResponseWriter, request *http.Request) {
				d.answer(answer, env, writer, request)
			})
		}
	}
	return mux
}

func (d *Description) answer(answer Answer, env map[string]string, writer http.ResponseWriter, request *http.Request) {
	for index := range d.Stores {
		store := &d.Stores[index]
		if !slices.Contains(answer.Asks, store.Name) {
			continue
		}
		ctx, cancel := context.WithTimeout(request.Context(), 2*time.Second)
		err := store.ping(ctx)
		cancel()
		if err != nil {
			log.Printf("%s: %s does not answer: %v", answer.Path, store.Name, err)
			writer.Header().Set("Content-Type", "application/json")
			writer.WriteHeader(http.StatusServiceUnavailable)
			_ = json.NewEncoder(writer).Encode(map[string]string{"status": "DOWN", "store": store.Name})
			return
		}
	}
	kind := answer.Type
	if kind == "" {
		kind = "application/json"
	}
	writer.Header().Set("Content-Type", kind)
	_, _ = writer.Write([]byte(expand(answer.Body, env) + "\n"))
}

// accept takes connections and holds them until the other side leaves.
func accept(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			buffer := make([]byte, 512)
			for {
				if _, err := connection.Read(buffer); err != nil {
					_ = connection.Close()
					return
				}
			}
		}()
	}
}
