{{- define "mariadb.wiring" -}}
{{- $root := printf "%s-root" .name -}}
env:
  MARIADB_ROOT_PASSWORD: {secret: {{ $root }}, key: password}
  MARIADB_ROOT_HOST: "%"
  MARIADB_AUTO_UPGRADE: "1"
{{- if eq (include "common.mode" (dict "root" .root "component" .name)) "embedded" }}
files:
  /etc/mysql/conf.d/indigo.cnf:
    single: true
    content: |
      {{- include "mariadb.cnf" . | nindent 6 }}
{{- end }}
{{- if include "common.tls" (dict "root" .root "component" .name) }}
volumes:
  - name: trusted-ca
    configMap:
      name: {{ required "global.trustedCa.configMap: is required where tls of an external server is not none; write the ConfigMap with the authorities (docs/how-to/private-authority.md)" (include "common.trust.configmap" .root) }}
      items:
        - key: {{ .root.Values.global.trustedCa.bundle | default "ca-bundle.crt" | quote }}
          path: ca-bundle.crt
mounts:
  - name: trusted-ca
    mountPath: /etc/indigo-paas/ca
    readOnly: true
{{- end }}
jobs:
  provision:
    command: [sh, -c]
    args:
      - {{ include "mariadb.provision.script" . | toJson }}
    resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 128Mi}}
    env:
      MARIADB_ROOT_PASSWORD: {secret: {{ $root }}, key: password}
      {{- range include "mariadb.databases" . | fromJsonArray }}
      PROVISION_PASSWORD_{{ .name | upper }}: {secret: {{ .secret }}, key: password}
      {{- end }}
{{- end -}}

{{- /* The server's settings, the site's over ours; the same in every mode that runs here. */ -}}
{{- define "mariadb.cnf" -}}
[mariadb]
{{- range $name, $value := include "mariadb.server" . | fromJson }}
{{ $name }} = {{ $value }}
{{- end }}
{{- end -}}

{{- define "mariadb.server" -}}
{{- $server := dict
  "character_set_server" "utf8mb4"
  "collation_server" "utf8mb4_general_ci"
  "max_connections" "400"
  "innodb_buffer_pool_size" "384M"
  "max_allowed_packet" "64M"
  "innodb_flush_log_at_trx_commit" "1" -}}
{{- merge (include "common.settings.of" (dict "x" . "where" "/etc/mysql/conf.d/indigo.cnf") | fromJson) $server | toJson -}}
{{- end -}}

{{- /* The databases whose owners run here, as JSON. */ -}}
{{- define "mariadb.databases" -}}
{{- $here := list -}}
{{- range $database := include "common.owned" (dict "x" . "what" "databases") | fromJsonArray -}}
{{- if include "common.here" (dict "root" $.root "component" $database.owner) -}}
{{- $here = append $here $database -}}
{{- end -}}
{{- end -}}
{{- $here | toJson -}}
{{- end -}}

{{- /*
Against a server outside, too, where the site says `provision`. Such a server may be anything that speaks the protocol: one that
replicates by Galera is refused where a database takes part in XA, and MySQL 8 asks for a right that MariaDB does not know.
*/ -}}
{{- define "mariadb.provision.script" -}}
{{- $self := dict "root" .root "component" .name "port" "mysql" -}}
{{- $databases := include "mariadb.databases" . | fromJsonArray -}}
{{- $external := eq (include "common.mode" $self) "external" -}}
{{- $encrypted := eq (include "common.tls" $self) "true" -}}
{{- $xa := list -}}
{{- range $databases }}{{ if .xa }}{{ $xa = append $xa .name }}{{ end }}{{ end -}}
set -eu
export MYSQL_PWD="$MARIADB_ROOT_PASSWORD"
client() { mariadb --host={{ include "common.host" $self }} --port={{ include "common.port" $self }} --user={{ (include "common.entry" $self | fromJson).admin | default "root" }} --batch{{ eq (include "common.tls" $self) "true" | ternary (printf " --ssl-ca=%s --ssl-verify-server-cert" (include "common.tls.bundle" .)) "" }}; }
quoted() { printf '%s' "$1" | sed "s/[\\\\']/\\\\&/g"; }
until echo 'SELECT 1;' | client >/dev/null; do echo "provision waits for {{ .name }}"; sleep 2; done
{{- if $xa }}
if [ "$(echo "SELECT COUNT(*) FROM information_schema.global_variables WHERE variable_name = 'WSREP_ON' AND variable_value = 'ON';" | client 2>/dev/null | tail -n 1)" = 1 ]; then
  echo "{{ .name }} replicates by Galera, which refuses XA; {{ $xa | join " and " }} need a server without it"
  exit 1
fi
{{- end }}
database() {
  echo "database $1 for user $2"
  password=$(quoted "$5")
  client <<SQL
CREATE DATABASE IF NOT EXISTS \`$1\` CHARACTER SET $3 COLLATE $4;
CREATE USER IF NOT EXISTS '$2'@'%' IDENTIFIED BY '$password';
ALTER USER '$2'@'%' IDENTIFIED BY '$password'${6:+ REQUIRE $6};
GRANT ALL PRIVILEGES ON \`$1\`.* TO '$2'@'%';
SQL
}
{{- if $xa }}
recover() {
  case "$(echo 'SELECT VERSION();' | client | tail -n 1)" in
    *MariaDB* | 5.*) ;;
    *) echo "GRANT XA_RECOVER_ADMIN ON *.* TO '$1'@'%';" | client ;;
  esac
}
{{- end }}
{{- range $databases }}
database {{ .name }} {{ .user }} {{ .charset }} {{ .collation }} "$PROVISION_PASSWORD_{{ .name | upper }}"{{ if $external }} {{ and $encrypted .tls | ternary "SSL" "NONE" }}{{ end }}
{{- if .xa }}
recover {{ .user }}
{{- end }}
{{- end }}
echo "provision done"
{{ end -}}
