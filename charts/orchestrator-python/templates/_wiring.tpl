{{- define "orchestrator-python.wiring" -}}
{{- $site := .root.Values -}}
{{- $mariadb := dict "root" .root "component" "mariadb" "port" "mysql" -}}
command: [fastapi, run, /app/orchestrator/main.py, --port, "8000"]
env:
  HOME: /tmp
  FORWARDED_ALLOW_IPS: "*"
  BASE_URL: {{ include "common.publicurl" (dict "root" .root "component" "orchestrator-python") }}
  DB_SCHEME: mysql+pymysql
  DB_HOST: {{ include "common.host" $mariadb }}
  DB_PORT: {{ include "common.port" $mariadb | quote }}
  DB_NAME: orchestrator_python{{ include "common.tls.query" $mariadb }}
  DB_USER: orchestrator_python
  DB_PASSWORD: {secret: orchestrator-python-db, key: password}
  AUTHN_MODE: local
  AUTHZ_MODE: opa
  ORCHESTRATOR_PYTHON_CLIENT_ID: {secret: orchestrator-python-oidc, key: client-id}
  ORCHESTRATOR_PYTHON_CLIENT_SECRET: {secret: orchestrator-python-oidc, key: client-secret}
  TRUSTED_IDP_LIST: {{ include "orchestrator-python.issuers" . | toJson }}
  OPA_AUTHZ_URL: http://{{ include "common.endpoint" (dict "root" .root "component" "orchestrator-python-opa" "port" "http") }}/v1/data/orchestrator
  BACKEND_CORS_ORIGINS: {{ $site.origins | toJson | toJson }}
  VAULT_ENABLE: "false"
  KAFKA_CLIENT_NAME: orchestrator-python
  KAFKA_ENABLE: {{ $site.kafkaEnabled | quote }}
  {{- if $site.kafkaEnabled }}
  KAFKA_BOOTSTRAP_SERVERS: {{ include "common.endpoint" (dict "root" .root "component" "kafka" "port" "tls") }}
  KAFKA_CREATE_DEP_TOPIC: create-deployment
  KAFKA_SSL_ENABLE: "true"
  KAFKA_SSL_CACERT_PATH: /secrets/kafka/ca.crt
  KAFKA_SSL_CERT_PATH: /secrets/kafka/tls.crt
  KAFKA_SSL_KEY_PATH: /secrets/kafka/tls.key
  KAFKA_SSL_PASSWORD: {secret: kafka-client-tls, key: password}
  {{- end }}
{{- if $site.kafkaEnabled }}
secretFiles:
  /secrets/kafka: {secret: kafka-client-tls, items: {ca.crt: ca.crt, tls.crt: tls.crt, tls.key: tls.key}}
{{- end }}
errors: {{ include "orchestrator-python.errors" . }}
{{- end -}}

{{- /* The client's id and secret are references, so that no manifest shows them. */ -}}
{{- define "orchestrator-python.issuers" -}}
{{- list (dict
  "issuer" (printf "%s/" (include "common.publicurl" (dict "root" .root "component" "iam")))
  "client_id" "$(ORCHESTRATOR_PYTHON_CLIENT_ID)"
  "client_secret" "$(ORCHESTRATOR_PYTHON_CLIENT_SECRET)") | toJson -}}
{{- end -}}

{{- /* What the site's values get wrong, as a JSON list. */ -}}
{{- define "orchestrator-python.errors" -}}
{{- $wrong := list -}}
{{- range $component := list "iam" "orchestrator-python-opa" -}}
{{- if eq (include "common.mode" (dict "root" $.root "component" $component)) "off" -}}
{{- $wrong = append $wrong (printf "global.components.%s.mode: is off, but every call of orchestrator-python needs it; write embedded or external, or switch orchestrator-python off too" $component) -}}
{{- end -}}
{{- end -}}
{{- if and .root.Values.kafkaEnabled (eq (include "common.mode" (dict "root" .root "component" "kafka")) "off") -}}
{{- $wrong = append $wrong "orchestrator-python.kafkaEnabled: is true, but global.components.kafka.mode is off; switch kafka on, or write false" -}}
{{- end -}}
{{- range $name, $value := .root.Values.settings -}}
{{- if and (hasPrefix "KAFKA_" $name) (not $.root.Values.kafkaEnabled) -}}
{{- $wrong = append $wrong (printf "orchestrator-python.settings.%s: has no effect without orchestrator-python.kafkaEnabled: true; write both, or neither" $name) -}}
{{- end -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}
