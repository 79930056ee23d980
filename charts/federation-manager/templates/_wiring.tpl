{{- define "federation-manager.wiring" -}}
{{- $site := .root.Values -}}
{{- $mariadb := dict "root" .root "component" "mariadb" "port" "mysql" -}}
{{- $kafka := dict "root" .root "component" "kafka" "port" "tls" -}}
{{- $url := include "common.publicurl" (dict "root" .root "component" "federation-manager") -}}
args: [fastapi, run, /app/fed_mgr/main.py, --port, "8000"]
env:
  DB_SCHEME: mysql+pymysql
  DB_HOST: {{ include "common.host" $mariadb }}
  DB_PORT: {{ include "common.port" $mariadb | quote }}
  DB_NAME: fed_mgr{{ include "common.tls.query" $mariadb }}
  DB_USER: fed_mgr
  DB_PASSWORD: {secret: federation-manager-db, key: password}
  AUTHN_MODE: local
  AUTHZ_MODE: opa
  TRUSTED_IDP_LIST: {{ include "common.issuers.names" (dict "root" .root "own" $site.furtherIssuers) | toJson }}
  IDP_TIMEOUT: "5"
  OPA_AUTHZ_URL: {{ include "common.insideurl" (dict "root" .root "component" "federation-manager-opa" "port" "http") }}/v1/data/fed_mgr
  OPA_TIMEOUT: "3"
  API_KEY: {secret: federation-manager-keys, key: api-key}
  SECRET_KEY: {secret: federation-manager-keys, key: secret-key}
  BASE_URL: {{ $url }}
  BACKEND_CORS_ORIGINS: {{ include "federation-manager.origins" . | toJson }}
  LOG_LEVEL: INFO
  FORWARDED_ALLOW_IPS: "*"
  KAFKA_ENABLE: {{ $site.kafkaEnabled | quote }}
  {{- if $site.kafkaEnabled }}
  KAFKA_BOOTSTRAP_SERVERS: {{ include "common.endpoint" $kafka }}
  KAFKA_EVALUATE_PROVIDERS_TOPIC: evaluate-providers
  KAFKA_FEDERATION_TESTS_RESULT_TOPIC: federation-tests-result
  KAFKA_PROVIDERS_MONITORING_TOPIC: providers-monitoring
  KAFKA_MAX_REQUEST_SIZE: "104857600"
  KAFKA_CLIENT_NAME: federation-manager
  KAFKA_SSL_ENABLE: "true"
  KAFKA_SSL_CACERT_PATH: /secrets/kafka/ca.crt
  KAFKA_SSL_CERT_PATH: /secrets/kafka/tls.crt
  KAFKA_SSL_KEY_PATH: /secrets/kafka/tls.key
  KAFKA_SSL_PASSWORD: {secret: kafka-client-tls, key: password}
  {{- end }}
  FEDERATION_MANAGER_ALLOW_DEPRECATED: {{ $site.allowDeprecatedProviders | quote }}
files:
  /indigo-paas/schema.py:
    content: |
      {{- include "federation-manager.schema" . | nindent 6 }}
jobs:
  schema:
    command: [python, /indigo-paas/schema.py]
    files: true
    secretFiles: true
{{- if $site.kafkaEnabled }}
secretFiles:
  /secrets/kafka: {secret: kafka-client-tls, items: {ca.crt: ca.crt, tls.crt: tls.crt, tls.key: tls.key}}
{{- end }}
errors: {{ include "federation-manager.errors" . }}
{{- end -}}

{{- /* Pages that may call the API from a browser: the dashboard's, where it has a public URL. */ -}}
{{- define "federation-manager.origins" -}}
{{- $url := dig "urls" "federation-manager-dashboard" "" (.root.Values.global | default dict) -}}
{{- ternary (list $url) list (ne $url "") | toJson -}}
{{- end -}}

{{- /*
The Job: tables, as upstream makes them at every start, but for one expression that MariaDB refuses without RTRIM (a column of
fixed length in a generated one); then the providers that would end the next start.
*/ -}}
{{- define "federation-manager.schema" -}}
import os
import sys
from datetime import date

sys.path.insert(0, "/app")

from sqlmodel import Session, SQLModel, select, text

import fed_mgr.main  # all models
from fed_mgr.db import DBHandler
from fed_mgr.v1.models import Provider
from fed_mgr.v1.providers.schemas import ProviderStatus

columns = SQLModel.metadata.tables["project"].columns
if "provider_root_id" in columns:
    columns["provider_root_id"].computed.sqltext = text("IF(is_root = TRUE, RTRIM(provider_id), NULL)")
database = DBHandler()
database.initialize_db()
print("schema: the tables are there")
with Session(database.get_engine()) as session:
    deprecated = session.exec(select(Provider).where(Provider.status == ProviderStatus.deprecated)).all()
    stuck = [f"{item.name} (last day {item.expiration_date})" for item in deprecated
             if item.expiration_date is not None and item.expiration_date != date.today()]
if stuck and os.environ["FEDERATION_MANAGER_ALLOW_DEPRECATED"] != "true":
    sys.exit(
        f"schema: these providers are deprecated, and a new pod would not start: {', '.join(stuck)}. See trap "
        "deprecated-provider-restart in charts/federation-manager/README.md; with an image that is mended, write "
        "federation-manager.allowDeprecatedProviders: true"
    )
{{- end -}}

{{- /* What the site's values get wrong, as a JSON list. */ -}}
{{- define "federation-manager.errors" -}}
{{- $site := .root.Values -}}
{{- $wrong := list -}}
{{- $settings := $site.settings | default dict -}}
{{- if and $site.kafkaEnabled (eq (include "common.mode" (dict "root" .root "component" "kafka")) "off") -}}
{{- $wrong = append $wrong "federation-manager.kafkaEnabled: is true, but global.components.kafka.mode is off; switch kafka on, or write false" -}}
{{- end -}}
{{- if and (not $site.kafkaEnabled) (eq (get $settings "KAFKA_ENABLE" | toString | lower) "true") -}}
{{- $wrong = append $wrong "federation-manager.settings.KAFKA_ENABLE: true alone has neither address nor certificate; write federation-manager.kafkaEnabled: true instead" -}}
{{- end -}}
{{- with get $settings "DB_SCHEME" -}}
{{- if not (hasPrefix "mysql" .) -}}
{{- $wrong = append $wrong (printf "federation-manager.settings.DB_SCHEME: with %s the index that keeps one root project for each provider is missing; write mysql+pymysql, or leave it" .) -}}
{{- end -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}
