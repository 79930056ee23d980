package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
	"github.com/neo4j/neo4j-go-driver/v5/neo4j/config"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const largest = 104857600 // bytes of a message, as every contract with Kafka has it

// options are what every client of this Kafka has.
func (s *Store) options() ([]kgo.Opt, error) {
	options := []kgo.Opt{
		kgo.SeedBrokers(brokers(s.Address)...),
		kgo.ClientID(s.Client),
		kgo.ProducerBatchMaxBytes(largest),
		kgo.FetchMaxBytes(largest),
		kgo.BrokerMaxReadBytes(2 * largest),
		kgo.RetryTimeout(5 * time.Second),
		kgo.DialTimeout(3 * time.Second),
	}
	if s.TLS != "" && !truth(s.TLS) {
		return options, nil
	}
	authority, err := os.ReadFile(s.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", s.CA)
	}
	own, err := tls.LoadX509KeyPair(s.Cert, s.Key)
	if err != nil {
		return nil, err
	}
	settings := &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12}
	if !s.Named { // kafka-python with ssl_check_hostname=False: the chain is verified, the name is not
		settings.InsecureSkipVerify = true
		settings.VerifyConnection = func(state tls.ConnectionState) error {
			between := x509.NewCertPool()
			for _, certificate := range state.PeerCertificates[1:] {
				between.AddCert(certificate)
			}
			_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: pool, Intermediates: between})
			return err
		}
	}
	return append(options, kgo.DialTLSConfig(settings)), nil
}

// brokers takes a list apart that is written with commas or as JSON.
func brokers(text string) []string {
	var list []string
	if json.Unmarshal([]byte(text), &list) == nil {
		return list
	}
	return strings.Split(text, ",")
}

// pingKafka asks for the topics; a broker that makes missing ones by itself is not asked to.
func (s *Store) pingKafka(ctx context.Context) error {
	if s.kafka == nil {
		options, err := s.options()
		if err != nil {
			return err
		}
		if s.kafka, err = kgo.NewClient(options...); err != nil {
			return err
		}
	}
	request := kmsg.NewPtrMetadataRequest()
	request.Topics = []kmsg.MetadataRequestTopic{}
	for _, name := range s.Topics {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(name)
		request.Topics = append(request.Topics, topic)
	}
	answer, err := request.RequestWith(ctx, s.kafka)
	if err != nil {
		return err
	}
	for _, topic := range answer.Topics {
		if err := kerr.ErrorForCode(topic.ErrorCode); err != nil {
			return fmt.Errorf("topic %s: %w", *topic.Topic, err)
		}
	}
	return nil
}

// pingGraph runs a query as the user of the settings.
func (s *Store) pingGraph(ctx context.Context) error {
	if s.graph == nil {
		driver, err := neo4j.NewDriverWithContext(s.Address, neo4j.BasicAuth(s.User, s.Password, ""), func(settings *config.Config) {
			settings.MaxTransactionRetryTime = 2 * time.Second
			settings.SocketConnectTimeout = 2 * time.Second
		})
		if err != nil {
			return err
		}
		s.graph = driver
	}
	_, err := neo4j.ExecuteQuery(ctx, s.graph, "RETURN 1", nil, neo4j.EagerResultTransformer)
	return err
}

// get asks an HTTP server; whatever is no success is a failure.
func (s *Store) get(ctx context.Context) error {
	_, err := send(ctx, http.MethodGet, s.URL, s.Headers, nil)
	return err
}
