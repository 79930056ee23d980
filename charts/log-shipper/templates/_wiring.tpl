{{- define "log-shipper.wiring" -}}
{{- $file := "/etc/indigo-paas/log-shipper.yaml" -}}
args: ["--config={{ $file }}"]
env:
  GOMEMLIMIT: 300MiB
secretFiles:
  /etc/indigo-paas/tls: {secret: kafka-client-tls, items: {ca.crt: ca.crt, tls.crt: tls.crt, tls.key: tls.key}}
files:
  {{ $file }}:
    single: true
    content: |
      {{- $config := include "log-shipper.config" . | fromYaml -}}
      {{- range $name, $value := include "common.settings.of" (dict "x" . "where" $file) | fromJson }}
      {{- $place := $config -}}
      {{- $steps := splitList "." $name -}}
      {{- range $step := initial $steps }}{{ $place = get $place $step }}{{ end -}}
      {{- $type := (get $.contract.settings $name).type -}}
      {{- $_ := set $place (last $steps) (eq $type "integer" | ternary (int64 $value) (eq $type "boolean" | ternary (eq $value "true") $value)) -}}
      {{- end }}
      {{- toYaml $config | nindent 6 }}
{{- end -}}

{{- /*
The statements are in the order in which they run. A message is what upstream's Filebeat makes of a line of syslog: the parsers
cut at the text "paas-orchestrator orchestrator/", read the date before it only to see that it is one (a fixed one always is), and
take the time from @timestamp. $$ is the collector's way to write $.
*/ -}}
{{- define "log-shipper.config" -}}
{{- $kafka := dict "root" .root "component" "kafka" "port" "tls" -}}
extensions:
  health_check: {endpoint: "0.0.0.0:13133"}
  file_storage:
    directory: /var/lib/log-shipper
    create_directory: false
    compaction: {on_start: true, directory: /tmp}
receivers:
  tcplog:
    listen_address: "0.0.0.0:5170"
    max_log_size: 16MiB
    preserve_leading_whitespaces: true
    preserve_trailing_whitespaces: true
processors:
  transform:
    error_mode: propagate
    log_statements:
      - context: log
        statements:
          - 'set(log.attributes["long"], true) where IsMatch(log.body, " Deployment in error[.] [{]") and Len(log.body) > 7900'
          - 'set(log.body, Substring(log.body, 0, 7900)) where log.attributes["long"] == true'
          - 'replace_pattern(log.body, "\\\\+(u[0-9a-fA-F]{0,3})?$$", "") where log.attributes["long"] == true'
          - 'set(log.body, Concat([log.body, "\"}"], "")) where log.attributes["long"] == true'
          - 'set(log.attributes["message"], Concat(["Jan 01 12:00:00 paas-orchestrator orchestrator/kubernetes", log.body], " "))'
          - 'set(log.body, {"message": log.attributes["message"], "@timestamp": FormatTime(log.observed_time, "%Y-%m-%dT%H:%M:%S.%LZ")})'
exporters:
  kafka:
    brokers: [{{ include "common.endpoint" $kafka | quote }}]
    client_id: log-shipper
    logs: {topic: orchestrator-logs, encoding: raw}
    tls:
      ca_file: /etc/indigo-paas/tls/ca.crt
      cert_file: /etc/indigo-paas/tls/tls.crt
      key_file: /etc/indigo-paas/tls/tls.key
    timeout: 30s
    retry_on_failure: {enabled: true, initial_interval: 1s, max_interval: 30s, max_elapsed_time: 0s}
    sending_queue:
      enabled: true
      num_consumers: 1
      sizer: bytes
      queue_size: 500000000
      block_on_overflow: true
      storage: file_storage
    producer:
      max_message_bytes: {{ index .contract.topics "orchestrator-logs" "maxMessageBytes" | int }}
      required_acks: -1
      allow_auto_topic_creation: false
service:
  extensions: [health_check, file_storage]
  telemetry:
    metrics:
      level: normal
      readers:
        - pull: {exporter: {prometheus: {host: 0.0.0.0, port: 8888, without_scope_info: true, without_type_suffix: true, without_units: true}}}
    logs: {level: info}
  pipelines:
    logs: {receivers: [tcplog], processors: [transform], exporters: [kafka]}
{{- end -}}
