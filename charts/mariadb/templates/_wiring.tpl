{{- define "mariadb.wiring" -}}
env:
  MARIADB_ROOT_PASSWORD: {secret: mariadb-root, key: password}
  MARIADB_ROOT_HOST: "%"
  MARIADB_AUTO_UPGRADE: "1"
files:
  /etc/mysql/conf.d/indigo.cnf:
    single: true
    content: |
      [mariadb]
      {{- $server := dict
        "character_set_server" "utf8mb4"
        "collation_server" "utf8mb4_general_ci"
        "max_connections" "400"
        "innodb_buffer_pool_size" "384M"
        "max_allowed_packet" "64M"
        "innodb_flush_log_at_trx_commit" "1" }}
      {{- range $name, $value := merge (include "common.settings.of" (dict "x" . "where" "/etc/mysql/conf.d/indigo.cnf") | fromJson) $server }}
      {{ $name }} = {{ $value }}
      {{- end }}
jobs:
  provision:
    command: [sh, -c]
    args:
      - {{ include "mariadb.provision.script" . | toJson }}
    resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 128Mi}}
    env:
      MARIADB_ROOT_PASSWORD: {secret: mariadb-root, key: password}
      {{- range include "mariadb.databases" . | fromJsonArray }}
      PROVISION_PASSWORD_{{ .name | upper }}: {secret: {{ .secret }}, key: password}
      {{- end }}
{{- end -}}

{{- /* The databases whose owners run here, as JSON. */ -}}
{{- define "mariadb.databases" -}}
{{- $here := list -}}
{{- range $database := .index.databases -}}
{{- if eq (include "common.mode" (dict "root" $.root "component" $database.owner)) "embedded" -}}
{{- $here = append $here $database -}}
{{- end -}}
{{- end -}}
{{- $here | toJson -}}
{{- end -}}

{{- define "mariadb.provision.script" -}}
set -eu
export MYSQL_PWD="$MARIADB_ROOT_PASSWORD"
client() { mariadb --host={{ include "common.host" (dict "root" .root "component" "mariadb") }} --port=3306 --user=root --batch; }
quoted() { printf '%s' "$1" | sed "s/[\\\\']/\\\\&/g"; }
until echo 'SELECT 1;' | client >/dev/null; do echo "provision waits for mariadb"; sleep 2; done
database() {
  echo "database $1 for user $2"
  password=$(quoted "$5")
  client <<SQL
CREATE DATABASE IF NOT EXISTS \`$1\` CHARACTER SET $3 COLLATE $4;
CREATE USER IF NOT EXISTS '$2'@'%' IDENTIFIED BY '$password';
ALTER USER '$2'@'%' IDENTIFIED BY '$password';
GRANT ALL PRIVILEGES ON \`$1\`.* TO '$2'@'%';
SQL
}
{{- range include "mariadb.databases" . | fromJsonArray }}
database {{ .name }} {{ .user }} {{ .charset }} {{ .collation }} "$PROVISION_PASSWORD_{{ .name | upper }}"
{{- end }}
echo "provision done"
{{ end -}}
