package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// queue is the log shipper's: lines on a volume that are not in Kafka yet, and a file that says how many bytes of it are.
type queue struct {
	sync.Mutex
	file *os.File
	more chan struct{}
}

// ship takes lines at a port, keeps them on a volume, and writes them to a topic in their order; From is port and folder.
func ship(ctx context.Context, d *Description, stream Stream, kafka *Store) error {
	path := filepath.Join(stream.From[1], "lines")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := &queue{file: file, more: make(chan struct{}, 1)}
	listener, err := net.Listen("tcp", fmt.Sprintf(":%d", d.Ports[stream.From[0]].Number))
	if err != nil {
		return err
	}
	log.Printf("takes lines at port %d", d.Ports[stream.From[0]].Number)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go lines.take(connection)
		}
	}()
	return lines.forward(ctx, path, stream.To, kafka)
}

func (q *queue) take(connection net.Conn) {
	defer connection.Close()
	reader := bufio.NewScanner(connection)
	reader.Buffer(make([]byte, 64*1024), 16*1024*1024) // receivers.tcplog.max_log_size
	for reader.Scan() {
		q.Lock()
		_, err := q.file.WriteString(reader.Text() + "\n")
		q.Unlock()
		if err != nil {
			log.Printf("a line cannot be kept: %v", err)
			return
		}
		select {
		case q.more <- struct{}{}:
		default:
		}
	}
}

// forward sends what is kept, from where an earlier life stopped; while Kafka is away it waits.
func (q *queue) forward(ctx context.Context, path, topic string, kafka *Store) error {
	sent := path + ".sent"
	done := int64(0)
	if content, err := os.ReadFile(sent); err == nil {
		done, _ = strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Seek(done, 0); err != nil {
		return err
	}
	reader := bufio.NewReader(file)
	rest := ""
	for ctx.Err() == nil {
		part, err := reader.ReadString('\n')
		rest += part
		if err != nil { // the end for now, perhaps in the middle of a line
			select {
			case <-q.more:
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
			continue
		}
		text := strings.TrimSuffix(rest, "\n")
		message := Message{
			"message":    "Jan 01 12:00:00 " + logPrefix + "kubernetes " + text,
			"@timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		}
		for ctx.Err() == nil {
			if err := kafka.deliver(ctx, topic, message); err == nil {
				break
			} else if ctx.Err() == nil {
				log.Printf("lines wait: %v", err)
				time.Sleep(time.Second)
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		done += int64(len(rest))
		rest = ""
		if err := os.WriteFile(sent, []byte(strconv.FormatInt(done, 10)), 0o640); err != nil {
			return err
		}
	}
	return nil
}

// deliver sends one message, over a new connection where there was none yet.
func (s *Store) deliver(ctx context.Context, topic string, message Message) error {
	attempt, cancel := context.WithTimeout(ctx, 30*time.Second) // exporters.kafka.timeout
	defer cancel()
	if s.kafka == nil {
		if err := s.pingKafka(attempt); err != nil {
			return err
		}
	}
	return s.send(attempt, topic, "", message)
}
