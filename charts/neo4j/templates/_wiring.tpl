{{- define "neo4j.wiring" -}}
env:
  GRAPH_PASSWORD: {secret: neo4j-auth, key: password}
  NEO4J_AUTH: neo4j/$(GRAPH_PASSWORD)
  NEO4J_PLUGINS: '["apoc"]'
files:
  /conf/neo4j.conf:
    content: |
      {{- range $name, $value := include "neo4j.conf" . | fromJson }}
      {{- if eq $name "server.jvm.additional" }}
      {{- range $option := splitList " " $value }}
      {{ $name }}={{ $option }}
      {{- end }}
      {{- else }}
      {{ $name }}={{ $value }}
      {{- end }}
      {{- end }}
  /indigo-paas/query.sh:
    content: |
      {{- include "neo4j.query" . | nindent 6 }}
errors: {{ include "neo4j.errors" . }}
{{- end -}}

{{- /* Sends RETURN 1 over HTTP by bash alone and succeeds if the answer holds no error; the image has no HTTP client to rely on. */ -}}
{{- define "neo4j.query" -}}
body='{"statements":[{"statement":"RETURN 1"}]}'
login=$(printf 'neo4j:%s' "$GRAPH_PASSWORD" | base64 -w0)
exec 3<>/dev/tcp/127.0.0.1/7474 || exit 1
printf '%s\r\n' 'POST /db/neo4j/tx/commit HTTP/1.0' 'Host: localhost' "Authorization: Basic $login" \
  'Content-Type: application/json' "Content-Length: ${#body}" '' >&3
printf '%s' "$body" >&3
grep -q '"errors":\[\]' <&3
{{- end -}}

{{- /* All of neo4j.conf, as JSON. The Java options are upstream's own, and the last one, which ends a server without memory. */ -}}
{{- define "neo4j.conf" -}}
{{- $java := list
  "-XX:+UseG1GC"
  "-XX:-OmitStackTraceInFastThrow"
  "-XX:+AlwaysPreTouch"
  "-XX:+UnlockExperimentalVMOptions"
  "-XX:+TrustFinalNonStaticFields"
  "-XX:+DisableExplicitGC"
  "-Djdk.nio.maxCachedBufferSize=1024"
  "-Dio.netty.tryReflectionSetAccessible=true"
  "-Djdk.tls.ephemeralDHKeySize=2048"
  "-Djdk.tls.rejectClientInitiatedRenegotiation=true"
  "--add-opens=java.base/java.nio=ALL-UNNAMED"
  "--add-opens=java.base/java.io=ALL-UNNAMED"
  "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED"
  "-Dlog4j2.disable.jmx=true"
  "-XX:+ExitOnOutOfMemoryError" -}}
{{- $server := dict
  "server.default_listen_address" "0.0.0.0"
  "server.default_advertised_address" "neo4j"
  "server.bolt.listen_address" ":7687"
  "server.http.listen_address" ":7474"
  "server.https.enabled" "false"
  "server.memory.heap.initial_size" "1g"
  "server.memory.heap.max_size" "1g"
  "server.memory.pagecache.size" "384m"
  "server.jvm.additional" (join " " $java)
  "db.tx_log.rotation.retention_policy" "1 days 512M"
  "db.transaction.timeout" "300s"
  "dbms.usage_report.enabled" "false"
  "dbms.security.allow_csv_import_from_file_urls" "false"
  "dbms.security.procedures.unrestricted" "" -}}
{{- merge (dict) (include "common.settings.of" (dict "x" . "where" "/conf/neo4j.conf") | fromJson) $server | toJson -}}
{{- end -}}

{{- /* What the site's values get wrong, as a JSON list: heap, page cache and 500 MiB besides must fit the pod's limit. */ -}}
{{- define "neo4j.errors" -}}
{{- $wrong := list -}}
{{- $conf := include "neo4j.conf" . | fromJson -}}
{{- $limit := .root.Values.resources.limits.memory | default "" -}}
{{- $heap := include "neo4j.mib" (get $conf "server.memory.heap.max_size") -}}
{{- $cache := include "neo4j.mib" (get $conf "server.memory.pagecache.size") -}}
{{- $room := include "neo4j.mib" $limit -}}
{{- range $name := list "server.memory.heap.max_size" "server.memory.pagecache.size" -}}
{{- if not (include "neo4j.mib" (get $conf $name)) -}}
{{- $wrong = append $wrong (printf "neo4j.settings.%s: %q is no size; write for example 512m or 2g" $name (get $conf $name)) -}}
{{- end -}}
{{- end -}}
{{- if and $room $heap $cache (lt (int $room) (add (int $heap) (int $cache) 500 | int)) -}}
{{- $wrong = append $wrong (printf "neo4j.resources.limits.memory: %s is less than heap (%s MiB), page cache (%s MiB) and 500 MiB for the rest; raise it, or lower server.memory.* in neo4j.settings" $limit $heap $cache) -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}

{{- /* A size in MiB, from Kubernetes' way of writing or Neo4j's; nothing where it is neither in mega nor in giga. */ -}}
{{- define "neo4j.mib" -}}
{{- $text := . | toString | lower | trimSuffix "b" | trimSuffix "i" -}}
{{- if regexMatch "^[0-9]+g$" $text -}}
{{ mul (trimSuffix "g" $text | int) 1024 }}
{{- else if regexMatch "^[0-9]+m$" $text -}}
{{ trimSuffix "m" $text | int }}
{{- end -}}
{{- end -}}
