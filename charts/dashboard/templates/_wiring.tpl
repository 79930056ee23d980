{{- define "dashboard.wiring" -}}
{{- $site := .root.Values -}}
{{- $env := include "dashboard.env" . | fromYaml -}}
{{- /* The Job writes the catalogue it finds, none, to Valkey: not into the database number that the pods read. */ -}}
{{- $jobenv := merge (dict "FLASK_REDIS_URL" (include "dashboard.redis" (dict "x" . "number" 2))) (include "common.settings.of" (dict "x" . "where" "env") | fromJson) $env -}}
command: [sh, -c]
args:
  - {{ include "dashboard.start" . | toJson }}
env:
  {{- $env | toYaml | nindent 2 }}
files:
  /app/instance/config.json: {content: "{}"}
  /app/instance/vault-config.json: {content: {{ include "dashboard.vault" . | toJson }}}
  /app/instance/s3-config.json: {content: {{ include "dashboard.s3" . | toJson }}}
jobs:
  migrate:
    command: [python3, migrate_db.py]
    files: true
    env:
      {{- $jobenv | toYaml | nindent 6 }}
errors: {{ include "dashboard.errors" . }}
{{- end -}}

{{- /* Secrets stand in JSON's quotes, because the software reads every FLASK_ variable as JSON. */ -}}
{{- define "dashboard.env" -}}
{{- $site := .root.Values -}}
{{- $mariadb := dict "root" .root "component" "mariadb" "port" "mysql" -}}
{{- $orchestrator := dict "root" .root "component" "orchestrator" "port" "http" -}}
{{- $callback := include "common.publicurl" (dict "root" .root "component" "dashboard") -}}
{{- if eq (include "common.mode" $orchestrator) "embedded" -}}
{{- $callback = include "common.insideurl" (dict "root" .root "component" "dashboard" "port" "http") -}}
{{- end -}}
WORKERS: "2"
TIMEOUT: "60"
DASHBOARD_SECRET_KEY: {secret: dashboard-app, key: secret-key}
DASHBOARD_IAM_CLIENT_ID: {secret: dashboard-app, key: iam-client-id}
DASHBOARD_IAM_CLIENT_SECRET: {secret: dashboard-app, key: iam-client-secret}
DASHBOARD_DB_PASSWORD: {secret: dashboard-db, key: password}
DASHBOARD_VALKEY_PASSWORD: {secret: valkey-auth, key: password}
FLASK_SECRET_KEY: '"$(DASHBOARD_SECRET_KEY)"'
FLASK_IAM_CLIENT_ID: '"$(DASHBOARD_IAM_CLIENT_ID)"'
FLASK_IAM_CLIENT_SECRET: '"$(DASHBOARD_IAM_CLIENT_SECRET)"'
FLASK_IAM_BASE_URL: {{ include "common.publicurl" (dict "root" .root "component" "iam") }}
FLASK_IAM_SCOPE: {{ $site.iamScopes | toJson | toJson }}
FLASK_IAM_ADMIN_GROUPS: {{ include "common.groups" (dict "root" .root "role" "admin" "own" $site.adminGroups) | toJson }}
FLASK_ORCHESTRATOR_URL: {{ include "common.insideurl" $orchestrator }}
FLASK_CALLBACK_URL: {{ $callback }}/callback
{{- with include "dashboard.registry" . }}
FLASK_FED_REG_URL: {{ . }}
{{- end }}
{{- with include "common.writtenurl" (dict "root" .root "component" "im") }}
FLASK_IM_URL: {{ . | quote }}
{{- end }}
{{- if ne (include "common.mode" (dict "root" .root "component" "rucio-connector")) "off" }}
{{- with include "common.writtenurl" (dict "root" .root "component" "rucio-connector") }}
FLASK_RUCIO_CONNECTOR_ENABLE: "yes"
FLASK_RUCIO_CONNECTOR_URL: {{ . | quote }}
{{- end }}
{{- end }}
FLASK_SQLALCHEMY_DATABASE_URI: mysql+pymysql://dashboard:$(DASHBOARD_DB_PASSWORD)@{{ include "common.endpoint" $mariadb }}/orchestrator_dashboard{{ include "common.tls.query" $mariadb }}
FLASK_SQLALCHEMY_ENGINE_OPTIONS: '{"pool_pre_ping": true}'
FLASK_REDIS_URL: {{ include "dashboard.redis" (dict "x" . "number" 1) }}
FLASK_TOSCA_TEMPLATES_DIR: /opt/dashboard/tosca-templates
FLASK_SETTINGS_DIR: /opt/dashboard/dashboard-configuration
FLASK_UPLOAD_FOLDER: /opt/dashboard/uploads
FLASK_LOG_LEVEL: INFO
FLASK_SUPPORT_EMAIL: {{ $site.mail.support | toJson }}
FLASK_MAIL_SUPPRESS_SEND: {{ empty $site.mail.host | quote }}
FLASK_MAIL_SERVER: {{ $site.mail.host | default "localhost" | toJson }}
{{- if $site.mail.host }}
FLASK_MAIL_PORT: {{ $site.mail.port | int | quote }}
FLASK_MAIL_USE_TLS: {{ eq $site.mail.encryption "starttls" | quote }}
FLASK_MAIL_USE_SSL: {{ eq $site.mail.encryption "tls" | quote }}
FLASK_MAIL_SENDER: {{ $site.mail.from | toJson }}
FLASK_MAIL_DEFAULT_SENDER: {{ $site.mail.from | toJson }}
{{- end }}
{{- if $site.mail.authenticated }}
FLASK_MAIL_USERNAME: {secret: dashboard-mail, key: username}
FLASK_MAIL_PASSWORD: {secret: dashboard-mail, key: password}
{{- end }}
{{- if $site.catalogue.private }}
CATALOGUE_USERNAME: {secret: dashboard-catalogue, key: username}
CATALOGUE_TOKEN: {secret: dashboard-catalogue, key: token}
{{- end }}
{{- $names := include "dashboard.features" . | fromJson }}
{{- range $feature, $on := $site.features }}
{{ get $names $feature }}: {{ ternary "yes" "no" $on | quote }}
{{- end }}
{{- end -}}

{{- /*
Base of the Federation Registry without its version. Where it is set the software asks SLAM and CMDB no more, so a site that names
one of those is not yet moved.
*/ -}}
{{- define "dashboard.registry" -}}
{{- $settings := .root.Values.settings | default dict -}}
{{- if not (or (hasKey $settings "FLASK_SLAM_URL") (hasKey $settings "FLASK_CMDB_URL")) -}}
{{- with include "common.url" (dict "root" .root "component" "federation-registry" "port" "http") }}{{ . }}/api{{ end -}}
{{- end -}}
{{- end -}}

{{- /*
URL of the vault. It is handed to machines at the providers (encrypted storage), so the public one where there is one; else only the
Dashboard itself can use it.
*/ -}}
{{- define "dashboard.vaulturl" -}}
{{- $openbao := dict "root" .root "component" "openbao" "port" "http" -}}
{{- if ne (include "common.mode" $openbao) "off" -}}
{{- include "common.writtenurl" $openbao | default (include "common.url" $openbao) -}}
{{- end -}}
{{- end -}}

{{- /* URL of Valkey: dict x, number (of the database; IAM's sessions are in 0). */ -}}
{{- define "dashboard.redis" -}}
redis://:$(DASHBOARD_VALKEY_PASSWORD)@{{ include "common.endpoint" (dict "root" .x.root "component" "valkey" "port" "valkey") }}/{{ .number }}
{{- end -}}

{{- /* Variable of each feature, as JSON. */ -}}
{{- define "dashboard.features" -}}
{{- dict
  "advancedMenu" "FLASK_FEATURE_ADVANCED_MENU"
  "updateDeployment" "FLASK_FEATURE_UPDATE_DEPLOYMENT"
  "vault" "FLASK_FEATURE_VAULT_INTEGRATION"
  "sshKeys" "FLASK_FEATURE_REQUIRE_USER_SSH_PUBKEY"
  "portsRequest" "FLASK_FEATURE_PORTS_REQUEST"
  "s3" "FLASK_FEATURE_S3CREDS_MENU"
  "accessRequest" "FLASK_FEATURE_ACCESS_REQUEST" | toJson -}}
{{- end -}}

{{- /* What the values set, without upstream's profile: yes, no, or nothing: dict x, feature. */ -}}
{{- define "dashboard.feature" -}}
{{- $name := get (include "dashboard.features" . | fromJson) .feature -}}
{{- $settings := .x.root.Values.settings | default dict -}}
{{- $features := .x.root.Values.features -}}
{{- if hasKey $settings $name -}}
{{ get $settings $name }}
{{- else if hasKey $features .feature -}}
{{ ternary "yes" "no" (get $features .feature) }}
{{- end -}}
{{- end -}}

{{- /* The start: the catalogue's repositories, then gunicorn as upstream's start.sh runs it. */ -}}
{{- define "dashboard.start" -}}
{{- $catalogue := .root.Values.catalogue -}}
set -eu
{{- if or $catalogue.templates.repository $catalogue.settings.repository }}
export GIT_TERMINAL_PROMPT=0
fetch() {
  echo "catalogue: $2 at $3 into $1"
  rm -rf "$1.new"
  if git init -q "$1.new" && timeout 120 git -C "$1.new"{{ include "dashboard.credentials" . }} fetch -q --depth 1 "$2" "$3" && git -C "$1.new" checkout -q FETCH_HEAD; then
    rm -rf "$1"
    mv "$1.new" "$1"
  elif [ -d "$1" ]; then
    echo "catalogue: that failed; the copy of an earlier start stays"
  else
    echo "catalogue: that failed, and there is no earlier copy. Look at dashboard.catalogue in the values, and at the way to the server"
    exit 1
  fi
}
{{- with $catalogue.templates }}
{{- if .repository }}
fetch "$FLASK_TOSCA_TEMPLATES_DIR" '{{ .repository }}' '{{ .revision }}'
{{- end }}
{{- end }}
{{- with $catalogue.settings }}
{{- if .repository }}
fetch "$FLASK_SETTINGS_DIR" '{{ .repository }}' '{{ .revision }}'
{{- end }}
{{- end }}
{{- end }}
exec gunicorn --bind 0.0.0.0:5001 --workers "$WORKERS" --timeout "$TIMEOUT" --graceful-timeout "$TIMEOUT" orchdashboard:app
{{ end -}}

{{- /* Option that lets git take user and token from the environment, so that they are in no command line. */ -}}
{{- define "dashboard.credentials" -}}
{{- if .root.Values.catalogue.private }} -c credential.helper='!f() { echo "username=$CATALOGUE_USERNAME"; echo "password=$CATALOGUE_TOKEN"; }; f'{{ end -}}
{{- end -}}

{{- /* vault-config.json; policies and durations are those that upstream's deployment uses. */ -}}
{{- define "dashboard.vault" -}}
{{- $file := dict -}}
{{- if eq (include "dashboard.feature" (dict "x" . "feature" "vault")) "yes" -}}
{{- $usual := dict
  "VAULT_URL" (include "dashboard.vaulturl" .)
  "VAULT_ROLE" "dashboard"
  "VAULT_BOUND_AUDIENCE" (include "common.audience" (dict "root" .root "component" "dashboard"))
  "VAULT_SECRETS_PATH" "secrets" "WRAPPING_TOKEN_TIME_DURATION" "1h" -}}
{{- range $kind := list "READ" "WRITE" "DELETE" -}}
{{- $_ := set $usual (printf "%s_POLICY" $kind) (printf "%s_only" (lower $kind)) -}}
{{- $_ := set $usual (printf "%s_TOKEN_TIME_DURATION" $kind) "12h" -}}
{{- $_ := set $usual (printf "%s_TOKEN_RENEWAL_TIME_DURATION" $kind) "12h" -}}
{{- end -}}
{{- $file = merge (dict) (include "common.settings.of" (dict "x" . "where" "/app/instance/vault-config.json") | fromJson) $usual -}}
{{- end -}}
{{- $file | toPrettyJson -}}
{{- end -}}

{{- define "dashboard.s3" -}}
{{- $file := dict -}}
{{- with (include "common.settings.of" (dict "x" . "where" "/app/instance/s3-config.json") | fromJson).S3_ENDPOINTS -}}
{{- $file = dict "S3_ENDPOINTS" (fromJsonArray .) -}}
{{- end -}}
{{- $file | toPrettyJson -}}
{{- end -}}
