package main

import (
	"context"
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
	if question := probed(argv); question != nil {
		return question.answer()
	}
	job := d.job(argv)
	if job != nil && job.Bare {
		log.Print(job.Says)
		return nil
	}
	problems := append(d.check(env), d.files(env)...)
	for _, config := range d.Configs {
		problems = append(problems, config.check(d.Title, env)...)
	}
	if len(problems) > 0 {
		return errors.New("does not start: " + strings.Join(problems, "; "))
	}
	for _, config := range d.Configs {
		config.learn(env)
	}
	for index := range d.Streams {
		d.Streams[index].resolve(env)
	}
	if err := d.Trust.learn(env); err != nil {
		return fmt.Errorf("does not start: %w", err)
	}
	if err := d.log(env, false); err != nil {
		return err
	}
	if err := d.login(ctx, env, job); err != nil {
		return err
	}
	if job != nil {
		log.Print(job.Says)
		return nil
	}
	if d.Runs {
		return d.once(ctx)
	}
	failed := make(chan error, len(d.Ports)+len(d.Stores)+len(d.Streams))
	if err := d.stream(ctx, failed); err != nil {
		return err
	}
	if err := d.log(env, true); err != nil {
		return err
	}
	return d.serve(ctx, env, failed)
}

// once is a run of a CronJob.
func (d *Description) once(ctx context.Context) error {
	for _, stream := range d.Streams {
		if kafka := d.kafka(); kafka.used() && kafka.kafka != nil {
			if err := feed(ctx, stream, kafka); err != nil {
				return err
			}
		}
	}
	log.Print("the run is done")
	return nil
}

// login logs in to every store that the settings switch on.
func (d *Description) login(ctx context.Context, env map[string]string, job *Job) error {
	for index := range d.Stores {
		store := &d.Stores[index]
		if err := store.resolve(env); err != nil {
			return err
		}
		if !store.used() {
			continue
		}
		if err := store.login(ctx); err != nil {
			if !store.Soft {
				return err
			}
			log.Printf("goes on without it: %v", err)
			continue
		}
		if job != nil || !d.migrates() { // who has a job that migrates leaves the schema to it
			if err := store.note(ctx, d.Component); err != nil {
				return err
			}
		}
	}
	return nil
}

// watch returns an error when the store has not answered for as long as the software bears.
func (s *Store) watch(ctx context.Context) error {
	last := time.Now()
	for ctx.Err() == nil {
		time.Sleep(time.Second)
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := s.ping(attempt)
		cancel()
		if err == nil {
			last = time.Now()
		} else if ctx.Err() == nil && time.Since(last) > time.Duration(s.Ends)*time.Second {
			return fmt.Errorf("%s is gone: %w", s.Name, err)
		}
	}
	return nil
}

// taken tells whether a stream listens on a port by itself.
func (d *Description) taken(port string) bool {
	return slices.ContainsFunc(d.Streams, func(stream Stream) bool { return slices.Contains(stream.From, port) })
}

func (d *Description) migrates() bool {
	return slices.ContainsFunc(d.Jobs, func(job Job) bool { return !job.Bare })
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

func (d *Description) serve(ctx context.Context, env map[string]string, failed chan error) error {
	for index := range d.Stores {
		if store := &d.Stores[index]; store.Ends > 0 && store.used() {
			go func() {
				if err := store.watch(ctx); err != nil {
					failed <- err
				}
			}()
		}
	}
	var servers []*http.Server
	for _, name := range sorted(d.Ports) {
		port := d.Ports[name]
		if d.taken(name) {
			continue
		}
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
