{{- /*
The image has no command. The start script is upstream's program with two things before it: a first message in the topic
rally, where that is empty, and names of the site's providers. Both are needed at every start: messages expire.
*/ -}}
{{- define "provider-selector.wiring" -}}
{{- $size := index .contract.topics "providers-to-rank" "maxMessageBytes" | int -}}
command: [sh, -c]
args:
  - rm -f /logs/* && exec python3 /indigo-paas/start.py
env:
  {{- include "common.processor.env" (dict "root" .root "size" $size "deserializer" "json") | nindent 2 }}
secretFiles:
  {{- include "common.processor.secretfiles" . | nindent 2 }}
files:
  /indigo-paas/start.py:
    single: true
    content: |
      import json
      import os
      import runpy
      import sys

      from kafka import KafkaConsumer, KafkaProducer, TopicPartition

      PROGRAM = "/kafka-components/processors"
      sys.path.insert(0, PROGRAM)
      from modules.providerselector import conf

      FIRST = {
          "timestamp": "2000-01-01T00:00:00",
          "msg_version": "1.0.0",
          "status": "finished",
          "tag": "first",
          "provider": "none",
          "test_result": "True",
      }


      class Names(dict):
          """A provider without an entry is known under its own name."""

          def __missing__(self, name):
              return name


      def fill(topic):
          with open(os.environ["KAFKA_SSL_PASSWORD_PATH"]) as file:
              password = file.read().strip()
          client = {
              "bootstrap_servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
              "security_protocol": "SSL",
              "ssl_check_hostname": False,
              "ssl_cafile": os.environ["KAFKA_SSL_CAFILE"],
              "ssl_certfile": os.environ["KAFKA_SSL_CERTFILE"],
              "ssl_keyfile": os.environ["KAFKA_SSL_KEYFILE"],
              "ssl_password": password,
          }
          consumer = KafkaConsumer(**client)
          partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
          if not partitions:
              sys.exit(f"the topic {topic} does not exist; the Job topics of kafka makes it")
          if consumer.beginning_offsets(partitions) == consumer.end_offsets(partitions):
              print(f"the topic {topic} is empty and gets a first message", flush=True)
              producer = KafkaProducer(**client)
              producer.send(topic, json.dumps(FIRST).encode()).get(timeout=60)
              producer.close()
          consumer.close()


      fill(os.environ.get("KAFKA_INPUT_RALLY_TOPIC", "rally"))
      with open("/indigo-paas/rally-providers.json") as file:
          conf.RALLY_PROVIDER_NAME_MAPPING = Names(conf.RALLY_PROVIDER_NAME_MAPPING | json.load(file))
      runpy.run_path(f"{PROGRAM}/provider-selector.py", run_name="__main__")
  /indigo-paas/rally-providers.json:
    single: true
    content: {{ .root.Values.rallyProviders | toJson | quote }}
{{- with .root.Values.conf }}
volumes:
  - name: conf
    configMap:
      name: {{ . }}
mounts:
  - name: conf
    mountPath: /kafka-components/processors/modules/providerselector/conf.py
    subPath: conf.py
    readOnly: true
{{- end }}
{{- end -}}
