{{- /*
Mode operator: a cluster in KRaft mode, one pool of nodes that are broker and controller, and every topic as custom resources of
Strimzi. Clients see the same as in mode embedded: the same port, TLS with the certificate of kafka-server-tls, and any client
certificate that its authority signed. Strimzi's own user certificates would be other Secrets than consumers read; `custom`
authentication is upstream's way to bring one's own (documentation/api/...KafkaListenerAuthenticationCustom.adoc).

networkPolicyPeers is written out: without it, or with an empty one, Strimzi opens the port to every namespace.
*/ -}}
{{- define "kafka.operated" -}}
{{- $x := . -}}
{{- $values := $x.root.Values -}}
{{- $global := $values.global | default dict -}}
{{- $replicas := int $values.operator.replicas -}}
{{- $copies := min 3 $replicas -}}
{{- $labels := include "common.operated.labels" $x | fromYaml -}}
{{- $storage := include "common.operated.storage" $x | fromJson -}}
{{- $tls := include "common.secretname" (dict "root" $x.root "secret" "kafka-server-tls") -}}
{{- $annotations := include "common.operated.annotations" $x | fromYaml -}}
{{- $member := dict "strimzi.io/cluster" $x.name -}}
{{- include "kafka.operated.validate" $x -}}
---
apiVersion: kafka.strimzi.io/v1
kind: KafkaNodePool
metadata:
  {{- include "common.metadata" (dict "x" $x "name" "node" "annotations" $annotations "labels" $member) | nindent 2 }}
spec:
  replicas: {{ $replicas }}
  roles: [controller, broker]
  storage:
    type: jbod
    volumes:
      - id: 0
        type: persistent-claim
        size: {{ $storage.size }}
        {{- with $storage.class }}
        class: {{ . }}
        {{- end }}
        deleteClaim: false
        kraftMetadata: shared
  resources:
    {{- toYaml $values.resources | nindent 4 }}
  jvmOptions:
    -Xms: 1g
    -Xmx: 1g
---
apiVersion: kafka.strimzi.io/v1
kind: Kafka
metadata:
  {{- include "common.metadata" (dict "x" $x "name" $x.name "annotations" $annotations) | nindent 2 }}
spec:
  kafka:
    version: {{ $x.contract.upstream.version | quote }}
    image: {{ include "common.image.shared" (dict "root" $x.root "image" "strimzi-kafka") }}
    listeners:
      - name: client
        port: {{ $x.contract.ports.tls.port | int }}
        type: internal
        tls: true
        authentication:
          type: custom
          sasl: false
          listenerConfig:
            ssl.client.auth: required
            ssl.truststore.location: /mnt/client-authority/ca.crt
            ssl.truststore.type: PEM
        configuration:
          brokerCertChainAndKey:
            secretName: {{ $tls }}
            certificate: tls.crt
            key: tls.key
        networkPolicyPeers:
          {{- range $consumer := include "common.consumers" (dict "x" $x "port" "tls") | fromJsonArray | default (list $x.name) }}
          - {{ include "common.peer" (dict "root" $x.root "component" $consumer) }}
          {{- end }}
    {{- if (include "common.monitoring.site" $x.root | fromJson).enabled }}
    metricsConfig:
      type: strimziMetricsReporter
    {{- end }}
    config:
      {{- $own := dict
        "offsets.topic.replication.factor" $copies
        "transaction.state.log.replication.factor" $copies
        "share.coordinator.state.topic.replication.factor" $copies
        "default.replication.factor" $copies
        "transaction.state.log.min.isr" (max 1 (sub $copies 1))
        "share.coordinator.state.topic.min.isr" (max 1 (sub $copies 1))
        "min.insync.replicas" (max 1 (sub $copies 1)) }}
      {{- $site := include "common.settings.of" (dict "x" $x "where" "/etc/indigo-paas/kafka/server.properties") | fromJson }}
      {{- merge (dict) $site $own (include "kafka.limits" $x | fromJson) | toYaml | nindent 6 }}
    template:
      pod:
        metadata:
          labels:
            {{- toYaml $labels | nindent 12 }}
          {{- with merge (dict) ($values.podAnnotations | default dict) (include "common.rotation.of" (dict "root" $x.root "read" (list $tls)) | fromYaml) }}
          annotations:
            {{- toYaml . | nindent 12 }}
          {{- end }}
        {{- include "kafka.operated.pod" $x | nindent 8 }}
        terminationGracePeriodSeconds: {{ $x.contract.workload.gracePeriod | int }}
        topologySpreadConstraints:
          {{- include "common.spread" (include "common.operated.selector" $x | fromYaml) | trim | nindent 10 }}
        volumes:
          - name: client-authority
            secret:
              secretName: {{ $tls }}
              items:
                - {key: ca.crt, path: ca.crt}
      kafkaContainer:
        volumeMounts:
          - {name: client-authority, mountPath: /mnt/client-authority, readOnly: true}
        {{- include "kafka.operated.container" $x | nindent 8 }}
      persistentVolumeClaim:
        metadata:
          annotations:
            {{- include "common.keep" $x | nindent 12 }}
      podDisruptionBudget:
        maxUnavailable: 1
  entityOperator:
    topicOperator:
      image: {{ include "common.image.shared" (dict "root" $x.root "image" "strimzi-operator") }}
      resources:
        requests: {cpu: 50m, memory: 256Mi}
        limits: {memory: 256Mi}
    template:
      pod:
        metadata:
          labels:
            {{- toYaml $labels | nindent 12 }}
        {{- include "kafka.operated.pod" $x | nindent 8 }}
      topicOperatorContainer:
        {{- include "kafka.operated.container" $x | nindent 8 }}
{{- range $topic := include "common.owned" (dict "x" $x "what" "topics") | fromJsonArray }}
{{- if ne (include "common.mode" (dict "root" $x.root "component" $topic.owner)) "off" }}
---
apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata:
  {{- include "common.metadata" (dict "x" $x "name" $topic.name "offset" 3 "annotations" $annotations "labels" $member) | nindent 2 }}
spec:
  partitions: {{ $topic.partitions | int }}
  replicas: {{ $copies }}
  config:
    retention.ms: {{ mul ($topic.retentionHours | int) 3600000 }}
    max.message.bytes: {{ $topic.maxMessageBytes | int }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* What both kinds of pods have; a node selector is a required affinity here, Strimzi's pods know no other. */ -}}
{{- define "kafka.operated.pod" -}}
{{- $scheduling := .root.Values.scheduling | default dict -}}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  seccompProfile:
    type: RuntimeDefault
{{- with dig "images" "pullSecrets" list (.root.Values.global | default dict) }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $scheduling.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $affinity := deepCopy ($scheduling.affinity | default dict) -}}
{{- if $scheduling.nodeSelector -}}
{{- $matches := list -}}
{{- range $key, $value := $scheduling.nodeSelector }}{{ $matches = append $matches (dict "key" $key "operator" "In" "values" (list $value)) }}{{ end -}}
{{- $terms := dict "nodeSelectorTerms" (list (dict "matchExpressions" $matches)) -}}
{{- $affinity = merge $affinity (dict "nodeAffinity" (dict "requiredDuringSchedulingIgnoredDuringExecution" $terms)) -}}
{{- end }}
{{- with $affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "common.priority" . }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{- define "kafka.operated.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  runAsNonRoot: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{- /* Settings that Strimzi writes itself; it would leave out a site's with only a warning in its log (KafkaClusterSpec.java, FORBIDDEN_PREFIXES). */ -}}
{{- define "kafka.operated.validate" -}}
{{- $problems := list -}}
{{- range $name := keys (.root.Values.settings | default dict) | sortAlpha -}}
{{- if regexMatch "^(listeners|advertised\\.|broker\\.|listener\\.|host\\.name|port|inter\\.broker\\.listener\\.name|sasl\\.|ssl\\.|security\\.|password\\.|log\\.dir|authorizer\\.|super\\.user|node\\.id|process\\.roles|controller\\.|metadata\\.log\\.dir)" $name -}}
{{- $problems = append $problems (printf "kafka.settings.%s: is written by Strimzi in mode operator; remove it" $name) -}}
{{- end -}}
{{- end -}}
{{- include "common.refuse" (dict "name" .name "problems" $problems) -}}
{{- end -}}
