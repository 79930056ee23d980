{{- define "federation-manager-rally.wiring" -}}
{{- $site := .root.Values -}}
{{- $kafka := dict "root" .root "component" "kafka" "port" "tls" -}}
{{- $stream := ne (include "common.mode" $kafka) "off" -}}
command: [python, /app/src/main.py]
env:
  FED_MGR_API_URL: {{ include "common.insideurl" (dict "root" .root "component" "federation-manager" "port" "http") }}/api/v1/
  X_API_KEY: {secret: federation-manager-keys, key: api-key}
  SECRET_KEY: {secret: federation-manager-keys, key: secret-key}
  API_SIZE: "1000"
  LOG_LEVEL: INFO
  RALLY_ENVS_FOLDER: /app/environments
  RALLY_ARGS_FOLDER: /app/args
  RALLY_REPORT_FOLDER: /app/reports
  HOME: /tmp
  PYTHONUNBUFFERED: "1"
  KAFKA_ENABLE: {{ $stream | quote }}
  {{- if $stream }}
  KAFKA_BOOTSTRAP_SERVERS: {{ include "common.endpoint" $kafka }}
  KAFKA_TOPIC: federation-tests-result
  KAFKA_MAX_REQUEST_SIZE: "104857600"
  KAFKA_CLIENT_NAME: federation-manager-rally
  KAFKA_SSL_ENABLE: "true"
  KAFKA_SSL_CACERT_PATH: /secrets/kafka/ca.crt
  KAFKA_SSL_CERT_PATH: /secrets/kafka/tls.crt
  KAFKA_SSL_KEY_PATH: /secrets/kafka/tls.key
  KAFKA_SSL_PASSWORD: {secret: kafka-client-tls, key: password}
  {{- end }}
{{- if $stream }}
secretFiles:
  /secrets/kafka: {secret: kafka-client-tls, items: {ca.crt: ca.crt, tls.crt: tls.crt, tls.key: tls.key}}
{{- end }}
{{- end -}}
