{{- define "ai-ranker-training.wiring" -}}
{{- $kafka := dict "root" .root "component" "kafka" "port" "tls" -}}
{{- $certificates := "/etc/kafka-tls" -}}
command: [python, /app/src/main.py, --training, -l, {{ .root.Values.logLevel }}]
env:
  MLFLOW_TRACKING_URI: {{ include "common.insideurl" (dict "root" .root "component" "mlflow" "port" "http") }}
  KAFKA_HOSTNAME: {{ include "common.endpoint" $kafka }}
  KAFKA_TRAINING_TOPIC: airanker-dataset
  KAFKA_TRAINING_TOPIC_TIMEOUT: "10000"
  KAFKA_MAX_REQUEST_SIZE: "104857600"
  KAFKA_SSL_ENABLE: "true"
  KAFKA_SSL_CACERT_PATH: {{ $certificates }}/ca.crt
  KAFKA_SSL_CERT_PATH: {{ $certificates }}/tls.crt
  KAFKA_SSL_KEY_PATH: {{ $certificates }}/tls.key
  KAFKA_SSL_PASSWORD: {secret: kafka-client-tls, key: password}
  HOME: /tmp
  MPLCONFIGDIR: /tmp/matplotlib
  NUMBA_CACHE_DIR: /tmp/numba
secretFiles:
  {{ $certificates }}:
    secret: kafka-client-tls
    items: {ca.crt: ca.crt, tls.crt: tls.crt, tls.key: tls.key}
{{- end -}}
