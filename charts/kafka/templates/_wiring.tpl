{{- /*
The image's own start script is not used: it merges KAFKA_* variables into a folder that would have to be writable, and asks
for Java key stores. Kafka looks the PEM texts up in the mounted Secrets itself (${dir:FOLDER:FILE}).
*/ -}}
{{- define "kafka.wiring" -}}
{{- $file := "/etc/indigo-paas/kafka/server.properties" -}}
{{- $here := include "common.here" (dict "root" .root "component" .name) -}}
{{- $own := dict
  "process.roles" "broker,controller"
  "node.id" "1"
  "controller.quorum.voters" "1@127.0.0.1:9093"
  "controller.listener.names" "CONTROLLER"
  "listeners" "CLIENT://:9095,INTERNAL://127.0.0.1:9094,CONTROLLER://127.0.0.1:9093"
  "advertised.listeners" "CLIENT://kafka:9095,INTERNAL://127.0.0.1:9094"
  "listener.security.protocol.map" "CLIENT:SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"
  "inter.broker.listener.name" "INTERNAL"
  "ssl.client.auth" "required"
  "log.dirs" "/var/lib/kafka/data/log"
  "offsets.topic.replication.factor" "1"
  "transaction.state.log.replication.factor" "1"
  "transaction.state.log.min.isr" "1"
  "share.coordinator.state.topic.replication.factor" "1"
  "share.coordinator.state.topic.min.isr" "1" -}}
{{- $server := merge (include "kafka.limits" . | fromJson) $own -}}
command: [bash, -c]
args:
  - |
    set -eu
    /opt/kafka/bin/kafka-storage.sh format --ignore-formatted --cluster-id {{ .root.Values.clusterId }} --config {{ $file }}
    exec /opt/kafka/bin/kafka-server-start.sh {{ $file }}
env:
  KAFKA_HEAP_OPTS: -Xms1g -Xmx1g
  KAFKA_LOG4J_OPTS: -Dlog4j2.configurationFile=/etc/kafka/docker/log4j2.yaml
  EXTRA_ARGS: -name kafkaServer
files:
  {{- if $here }}
  {{ $file }}:
    content: |
      {{- include "kafka.tls" "/etc/indigo-paas/server-tls" | trim | nindent 6 }}
      {{- range $name, $value := merge (include "common.settings.of" (dict "x" . "where" $file) | fromJson) $server }}
      {{ $name }}={{ include "common.text" $value }}
      {{- end }}
  {{- end }}
  /etc/indigo-paas/kafka/client.properties:
    content: |
      security.protocol=SSL
      {{- include "kafka.tls" "/etc/indigo-paas/client-tls" | trim | nindent 6 }}
secretFiles:
  {{- if $here }}
  /etc/indigo-paas/server-tls: {secret: kafka-server-tls, items: {ca.crt: ca.crt, tls.crt: tls.crt, tls.key: tls.key}}
  {{- end }}
  /etc/indigo-paas/client-tls: {secret: kafka-client-tls, items: {ca.crt: ca.crt, tls.crt: tls.crt, tls.key: tls.key}}
jobs:
  topics:
    command: [bash, -c]
    args:
      - {{ include "kafka.topics.script" . | toJson }}
    files: true
    env:
      KAFKA_HEAP_OPTS: -Xmx192m
    resources: {requests: {cpu: 100m, memory: 320Mi}, limits: {memory: 384Mi}}
{{- end -}}

{{- /* What the brokers are told in every mode, as JSON: sizes, how long, and that no topic appears by itself. */ -}}
{{- define "kafka.limits" -}}
{{- $size := include "kafka.maxmessagebytes" . | int -}}
{{- dict
  "auto.create.topics.enable" "false"
  "delete.topic.enable" "false"
  "offsets.topic.num.partitions" "5"
  "group.initial.rebalance.delay.ms" "0"
  "log.retention.hours" "10000"
  "message.max.bytes" (toString $size)
  "replica.fetch.max.bytes" (toString $size)
  "replica.fetch.response.max.bytes" (toString $size)
  "socket.request.max.bytes" (div (mul $size 11) 10 | toString) | toJson -}}
{{- end -}}

{{- /* Key, certificate and authorities from a folder, for the broker and for its tools. */ -}}
{{- define "kafka.tls" -}}
config.providers=dir
config.providers.dir.class=org.apache.kafka.common.config.provider.DirectoryConfigProvider
ssl.keystore.type=PEM
ssl.keystore.key=${dir:{{ . }}:tls.key}
ssl.keystore.certificate.chain=${dir:{{ . }}:tls.crt}
ssl.truststore.type=PEM
ssl.truststore.certificates=${dir:{{ . }}:ca.crt}
{{- end -}}

{{- /* The one message size of the platform: the largest that a contract asks for its topic. */ -}}
{{- define "kafka.maxmessagebytes" -}}
{{- $size := 1048588 -}}
{{- range $topic := .index.topics }}{{ $size = max $size (int $topic.maxMessageBytes) }}{{ end -}}
{{- $size -}}
{{- end -}}

{{- /*
One description of all topics, then a start of Java only for what is missing or differs. Partitions can only be added; where
there are more than the contract asks for they stay, and it is said. An owner that runs elsewhere writes to this Kafka too.
*/ -}}
{{- define "kafka.topics.script" -}}
set -euo pipefail
server={{ include "common.endpoint" (dict "root" .root "component" "kafka" "port" "tls") }}
client=/etc/indigo-paas/kafka/client.properties
tool() { "/opt/kafka/bin/$1" --bootstrap-server "$server" --command-config "$client" "${@:2}"; }
until known=$(tool kafka-topics.sh --describe 2>&1); do
  echo "topics waits for kafka: $(tail -n 1 <<< "$known")"
  sleep 3
done
topic() {
  local line partitions
  line=$(grep -F "Topic: $1"$'\t'"TopicId" <<< "$known" || true)
  if [ -z "$line" ]; then
    tool kafka-topics.sh --create --if-not-exists --topic "$1" --partitions "$2" --config "retention.ms=$3" --config "max.message.bytes=$4"
    return
  fi
  partitions=$(sed -n 's/.*PartitionCount: \([0-9]*\).*/\1/p' <<< "$line")
  if [ "$partitions" -lt "$2" ]; then
    tool kafka-topics.sh --alter --topic "$1" --partitions "$2"
  elif [ "$partitions" -gt "$2" ]; then
    echo "topic $1 keeps its $partitions partitions; the contract asks for $2"
  fi
  if [[ ! "$line," =~ [\ ,]retention.ms=$3, || ! "$line," =~ [\ ,]max.message.bytes=$4, ]]; then
    tool kafka-configs.sh --alter --entity-type topics --entity-name "$1" --add-config "retention.ms=$3,max.message.bytes=$4"
  else
    echo "topic $1 is as it should be"
  fi
}
{{- range $topic := .index.topics }}
{{- if ne (include "common.mode" (dict "root" $.root "component" $topic.owner)) "off" }}
topic {{ $topic.name }} {{ $topic.partitions | int }} {{ mul ($topic.retentionHours | int) 3600000 }} {{ $topic.maxMessageBytes | int }}
{{- end }}
{{- end }}
echo "topics done"
{{ end -}}
