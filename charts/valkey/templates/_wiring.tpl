{{- define "valkey.wiring" -}}
{{- $server := dict
  "appendfsync" "everysec"
  "appendonly" "yes"
  "dir" "/data"
  "maxmemory" "128mb"
  "maxmemory-policy" "volatile-lru" -}}
command: [sh, -c]
args:
  - |
    set -eu
    umask 077
    cat > /run/valkey/valkey.conf <<CONF
    {{- range $name, $value := merge (include "common.settings.of" (dict "x" . "where" "/run/valkey/valkey.conf") | fromJson) $server }}
    {{ $name }} {{ $value }}
    {{- end }}
    requirepass $VALKEY_PASSWORD
    CONF
    exec valkey-server /run/valkey/valkey.conf
env:
  VALKEY_PASSWORD: {secret: valkey-auth, key: password}
  REDISCLI_AUTH: {secret: valkey-auth, key: password}
{{- end -}}
