{{- /*
What the three processors of paas-mon (template-parser, provider-selector, dataset-collector) have in common: one library of upstream's
reads these variables in each of them (paas-mon modules/<processor>/settings.py). TLS is always on.
*/ -}}

{{- /* Their variables: dict root, size (of the largest message), deserializer (how values are read). */ -}}
{{- define "common.processor.env" -}}
PYTHONUNBUFFERED: "1"
LOG_DIR: /logs
KAFKA_BOOTSTRAP_SERVERS: {{ include "common.endpoint" (dict "root" .root "component" "kafka" "port" "tls") }}
KAFKA_FETCH_MAX_BYTES: {{ .size }}
KAFKA_MAX_REQUEST_SIZE: {{ .size }}
KAFKA_SSL_CAFILE: /indigo-paas/tls/ca.crt
KAFKA_SSL_CERTFILE: /indigo-paas/tls/tls.crt
KAFKA_SSL_KEYFILE: /indigo-paas/tls/tls.key
KAFKA_SSL_PASSWORD_PATH: /indigo-paas/tls/password
KAFKA_VALUE_DESERIALIZER_STR: {{ .deserializer }}
{{- end -}}

{{- /* The files that those variables name. */ -}}
{{- define "common.processor.secretfiles" -}}
/indigo-paas/tls: {secret: kafka-client-tls, items: {ca.crt: ca.crt, tls.crt: tls.crt, tls.key: tls.key, password: password}}
{{- end -}}
