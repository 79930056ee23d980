package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.yaml.in/yaml/v3"
)

// Message is the JSON object that a message of the platform's topics holds.
type Message map[string]any

func (m Message) text(name string) string {
	text, _ := m[name].(string)
	return text
}

const (
	quiet     = 2 * time.Second                   // a topic without a message for so long counts as read to its end, as upstream has it
	logPrefix = "paas-orchestrator orchestrator/" // PM modules/templateparser (LOG_SEP, which cannot be changed)
)

// hop logs that a request came by, so that it can be followed from component to component.
func hop(uuid, what string) { log.Printf("hop %s: %s", uuid, what) }

// follow calls a function with each message of some topics, from their begin on, in the order of each topic.
func (s *Store) follow(ctx context.Context, topics []string, each func(topic string, content Message) error) error {
	client, err := s.consumer(topics)
	if err != nil {
		return err
	}
	defer client.Close()
	for ctx.Err() == nil {
		fetched := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		for _, record := range fetched.Records() {
			content := Message{}
			if err := json.Unmarshal(record.Value, &content); err != nil {
				log.Printf("a message of %s is no JSON object, it is skipped", record.Topic)
				continue
			}
			if err := each(record.Topic, content); err != nil {
				return err
			}
		}
	}
	return nil
}

// all returns what a topic holds now.
func (s *Store) all(ctx context.Context, topic string) ([]Message, error) {
	var found []Message
	reading, stop := context.WithCancel(ctx)
	defer stop()
	idle := time.AfterFunc(quiet, stop)
	err := s.follow(reading, []string{topic}, func(_ string, content Message) error {
		idle.Reset(quiet)
		found = append(found, content)
		return nil
	})
	return found, err
}

func (s *Store) consumer(topics []string) (*kgo.Client, error) {
	options, err := s.options()
	if err != nil {
		return nil, err
	}
	return kgo.NewClient(append(options, kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
}

// send writes a message under a key and waits until all replicas have it.
func (s *Store) send(ctx context.Context, topic, key string, content any) error {
	value, err := json.Marshal(content)
	if err != nil {
		return err
	}
	record := &kgo.Record{Topic: topic, Key: []byte(key), Value: value}
	return s.kafka.ProduceSync(ctx, record).FirstErr()
}

func (s *Stream) resolve(env map[string]string) {
	s.To = expand(s.To, env)
	for index := range s.From {
		s.From[index] = expand(s.From[index], env)
	}
}

// flow is what one kind of stream does until the context ends; an error ends the component.
type flow func(ctx context.Context, d *Description, stream Stream, kafka *Store) error

var flows = map[string]flow{
	"cache": cache, "seed": seed, "templates": templates, "select": selectProviders, "ranked": ranked, "dataset": dataset,
	"ship": ship,
}

// stream starts what the component does with topics; what has to be done before it is ready is done when this returns.
func (d *Description) stream(ctx context.Context, failed chan<- error) error {
	for _, stream := range d.Streams {
		does, known := flows[stream.Does]
		if !known {
			return fmt.Errorf("nothing is known of a stream that does %s", stream.Does)
		}
		kafka := d.kafka()
		if stream.Does == "seed" {
			if err := does(ctx, d, stream, kafka); err != nil {
				return err
			}
			continue
		}
		go func() {
			if err := does(ctx, d, stream, kafka); err != nil {
				failed <- fmt.Errorf("%s: %w", stream.Does, err)
			}
		}()
	}
	return nil
}

func (d *Description) kafka() *Store {
	for index := range d.Stores {
		if d.Stores[index].Kind == "kafka" {
			return &d.Stores[index]
		}
	}
	return nil
}

// known returns the deployments that a topic has already, so that a restart repeats nothing.
func known(ctx context.Context, kafka *Store, topic string) (map[string]bool, error) {
	messages, err := kafka.all(ctx, topic)
	done := map[string]bool{}
	for _, message := range messages {
		done[message.text("uuid")] = true
	}
	return done, err
}

// seed puts a first message into a topic that is empty.
func seed(ctx context.Context, _ *Description, stream Stream, kafka *Store) error {
	messages, err := kafka.all(ctx, stream.To)
	if err != nil || len(messages) > 0 {
		return err
	}
	return kafka.send(ctx, stream.To, "", Message{
		"timestamp": "2000-01-01T00:00:00", "msg_version": "1.0.0", "status": "finished", "tag": "first", "provider": "none", "test_result": "True",
	})
}

var inLine = regexp.MustCompile(`\{.*\}`)

// request returns the JSON object in a line of the Orchestrator's log, where it names a deployment.
func request(line Message, says string) Message {
	text := line.text("message")
	if !strings.Contains(text, logPrefix) || !strings.Contains(text, says) {
		return nil
	}
	found := Message{}
	if err := json.Unmarshal([]byte(inLine.FindString(text)), &found); err != nil || found.text("uuid") == "" {
		return nil
	}
	return found
}

// templates finds requests in the Orchestrator's log.
func templates(ctx context.Context, _ *Description, stream Stream, kafka *Store) error {
	done, err := known(ctx, kafka, stream.To)
	if err != nil {
		return err
	}
	return kafka.follow(ctx, stream.From, func(_ string, line Message) error {
		found := request(line, "i.r.o.service.DeploymentServiceImpl")
		if found == nil || done[found.text("uuid")] {
			return nil
		}
		uuid := found.text("uuid")
		done[uuid] = true
		found["msg_version"], found["timestamp"] = "1.0", line["@timestamp"]
		hop(uuid, "found in the log")
		return kafka.send(ctx, stream.To, uuid, found)
	})
}

// selectProviders names, for each request, the providers that the feeder has told of; From is rally, feeder, requests.
func selectProviders(ctx context.Context, _ *Description, stream Stream, kafka *Store) error {
	done, err := known(ctx, kafka, stream.To)
	if err != nil {
		return err
	}
	told, err := kafka.all(ctx, stream.From[1])
	if err != nil {
		return err
	}
	providers := map[string]Message{}
	take := func(provider Message) {
		name := provider.text("provider_name") + "/" + provider.text("region_name") + "/" + provider.text("project_id")
		providers[name] = Message{"provider_name": provider["provider_name"], "region_name": provider["region_name"]}
	}
	for _, provider := range told {
		take(provider)
	}
	return kafka.follow(ctx, stream.From[1:], func(topic string, content Message) error {
		uuid := content.text("uuid")
		if topic == stream.From[1] {
			take(content)
			return nil
		}
		if uuid == "" || done[uuid] {
			return nil
		}
		done[uuid] = true
		able := []Message{}
		for _, name := range sorted(providers) {
			able = append(able, providers[name])
		}
		hop(uuid, fmt.Sprintf("%d providers are able", len(able)))
		return kafka.send(ctx, stream.To, uuid, Message{
			"uuid": uuid, "user_group": content["user_group"], "template_name": content["template_name"], "msg_version": "1.1.0",
			"submission_time": content["timestamp"], "providers": able,
		})
	})
}

// ranked ranks as upstream does without a model.
func ranked(ctx context.Context, _ *Description, stream Stream, kafka *Store) error {
	done, err := known(ctx, kafka, stream.To)
	if err != nil {
		return err
	}
	return kafka.follow(ctx, stream.From, func(_ string, content Message) error {
		uuid := content.text("uuid")
		if content.text("msg_version") != "1.1.0" {
			return fmt.Errorf("a message has the version %q; upstream ends with it, and again at every start", content.text("msg_version"))
		}
		if done[uuid] {
			return nil
		}
		done[uuid] = true
		list, _ := content["providers"].([]any)
		for _, entry := range list {
			if provider, isMap := entry.(map[string]any); isMap {
				provider["classification"], provider["regression"], provider["resource_exactness"] = -1, -1, 1
			}
		}
		hop(uuid, "ranked")
		return kafka.send(ctx, stream.To, uuid, Message{"uuid": uuid, "ranked_providers": list})
	})
}

// dataset tells what became of a request at each of its providers; From is the log and the providers to rank.
func dataset(ctx context.Context, _ *Description, stream Stream, kafka *Store) error {
	done, err := known(ctx, kafka, stream.To)
	if err != nil {
		return err
	}
	waiting, ended := map[string][]any{}, map[string]string{}
	return kafka.follow(ctx, stream.From, func(topic string, content Message) error {
		if topic == stream.From[1] {
			waiting[content.text("uuid")], _ = content["providers"].([]any)
		} else if found := request(content, "Deployment completed successfully."); found != nil {
			ended[found.text("uuid")] = "CREATE_COMPLETE"
		} else if found := request(content, "Deployment in error."); found != nil {
			ended[found.text("uuid")] = "CREATE_FAILED"
		}
		for uuid, status := range ended {
			list, here := waiting[uuid]
			if !here || done[uuid] {
				continue
			}
			done[uuid] = true
			hop(uuid, "learnt from")
			for _, provider := range list {
				entry := Message{"uuid": uuid, "provider": provider, "status": status, "msg_version": "1.1.0"}
				if err := kafka.send(ctx, stream.To, uuid, entry); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// ranks is what the Kafka proxy has read: the ranked providers of each deployment.
var ranks = struct {
	sync.Mutex
	of map[string]any
}{of: map[string]any{}}

func cache(ctx context.Context, _ *Description, stream Stream, kafka *Store) error {
	return kafka.follow(ctx, stream.From, func(_ string, content Message) error {
		ranks.Lock()
		defer ranks.Unlock()
		ranks.of[content.text("uuid")] = content["ranked_providers"]
		return nil
	})
}

// feed tells of every provider and project in the file of providers, once; From is the file.
func feed(ctx context.Context, stream Stream, kafka *Store) error {
	content, err := os.ReadFile(stream.From[0])
	if err != nil {
		return err
	}
	var file struct {
		Openstack, Kubernetes []struct {
			Name     string
			AuthURL  string `yaml:"auth_url"`
			Regions  []struct{ Name string }
			Projects []struct{ ID string }
		}
	}
	if err := yaml.Unmarshal(content, &file); err != nil {
		return fmt.Errorf("%s: %w", stream.From[0], err)
	}
	for _, provider := range append(file.Openstack, file.Kubernetes...) {
		regions := []string{"default"} // FEEDER src/models/provider.py: a provider without regions has one
		for index, region := range provider.Regions {
			regions = append(regions[:index], region.Name)
		}
		for _, region := range regions {
			for _, project := range provider.Projects {
				message := Message{
					"msg_version": "1.4.0", "timestamp": time.Now().UTC().Format(time.RFC3339), "provider_name": provider.Name,
					"identity_endpoint": provider.AuthURL, "region_name": region, "project_id": project.ID,
				}
				if err := kafka.send(ctx, stream.To, provider.Name, message); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
