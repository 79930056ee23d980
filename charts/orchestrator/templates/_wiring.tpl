{{- /*
launch.sh is kept as it is but for one path: it writes the trust store into /orchestrator, and the root is read-only here. The
shell is replaced by the script, and the script by Java, so SIGTERM reaches Java. The pod's number may be missing in the image's
passwd, and Java's user.home is then "?", so it is given.
*/ -}}
{{- define "orchestrator.wiring" -}}
{{- $values := .root.Values -}}
{{- $database := include "common.endpoint" (dict "root" .root "component" "mariadb-orchestrator" "port" "mysql") -}}
{{- $files := include "orchestrator.files" . | fromYaml -}}
{{- $services := include "orchestrator.services" . | fromJson -}}
command: [bash, -c]
args:
  - |
    set -eu
    {{- include "common.trust.split" . | nindent 4 }}
    sed 's#/orchestrator/cacerts#/tmp/cacerts#; s#/orchestrator/trusted_certs#/tmp/trusted#' /orchestrator/launch.sh > /tmp/launch.sh
    exec bash /tmp/launch.sh java
env:
  {{- range $prefix := list "orchestrator" "workflow" }}
  {{ upper $prefix }}_DB_ENDPOINT: {{ $database }}
  {{ upper $prefix }}_DB_NAME: {{ $prefix }}
  {{ upper $prefix }}_DB_USER: {{ (get $.contract.databases $prefix).user }}
  {{ upper $prefix }}_DB_PWD: {secret: {{ $prefix }}-db, key: password}
  {{- end }}
  ORCHESTRATOR_OIDC_CLIENT_ID: {secret: orchestrator-oidc, key: client-id}
  ORCHESTRATOR_OIDC_CLIENT_SECRET: {secret: orchestrator-oidc, key: client-secret}
  {{- if $values.oidc.clues }}
  ORCHESTRATOR_CLUES_CLIENT_ID: {secret: orchestrator-clues, key: client-id}
  ORCHESTRATOR_CLUES_CLIENT_SECRET: {secret: orchestrator-clues, key: client-secret}
  {{- end }}
  ORCHESTRATOR_URL: {{ include "common.publicurl" (dict "root" .root "component" "orchestrator") }}
  IM_URL: {{ include "common.url" (dict "root" .root "component" "im" "port" "http") | default "http://im:8800" | quote }}
  {{- with include "common.url" (dict "root" .root "component" "openbao" "port" "http") }}
  VAULT_URL: {{ . | quote }}
  VAULT_ROLE: orchestrator
  {{- end }}
  {{- range $name, $service := $services }}
  {{ upper $name }}_SERVICE_VERSION: {{ $service.version | quote }}
  {{ upper $name }}_URL: {{ $service.url | quote }}
  {{- end }}
  {{- if eq $services.cmdb.version "v2" }}
  CMDB_TENANTS_LIST_PATH: /projects/
  {{- end }}
  {{- if eq $services.slam.version "v2" }}
  SLAM_CUSTOMER_PREFERENCES_PATH: /user_groups/
  {{- end }}
  JSON_LOGGING: "false"
  {{- if hasKey $files "/orchestrator/config/logback.xml" }}
  LOGGING_CONFIG: /orchestrator/config/logback.xml
  {{- end }}
  JAVA_OPTS: -XX:MaxRAMPercentage=60 -XX:+ExitOnOutOfMemoryError -Duser.home=/tmp
  {{- with include "orchestrator.jdbcoptions" . }}
  SPRING_APPLICATION_JSON: {{ include "orchestrator.jdbc" (dict "settings" $values.settings "endpoint" $database "options" .) | quote }}
  {{- end }}
files:
  {{- toYaml $files | nindent 2 }}
errors:
  {{- include "orchestrator.errors" . | fromJsonArray | toYaml | nindent 2 }}
{{- end -}}

{{- /* Path of the JSON file of a service whose version is local. */ -}}
{{- define "orchestrator.local" -}}
/orchestrator/services/{{ . }}.json
{{- end -}}

{{- /*
Version and URL of each service that the Orchestrator will ask, as JSON. The base of v2 is that of the component, wherever it runs;
the site's own URL wins. Without an address it is empty, and orchestrator.errors says so.
*/ -}}
{{- define "orchestrator.services" -}}
{{- $root := .root -}}
{{- $registry := dict "component" "federation-registry" "path" "/api/v1" -}}
{{- $new := dict "cmdb" $registry "slam" $registry "cpr" (dict "component" "kafka-proxy" "path" "/cpr") -}}
{{- $services := dict -}}
{{- range $name, $written := .root.Values.services -}}
{{- $home := get $new $name -}}
{{- $version := $written.version -}}
{{- if eq $version "auto" -}}
{{- $version = ternary "local" "v2" (eq (include "common.mode" (dict "root" $root "component" $home.component)) "off") -}}
{{- end -}}
{{- $url := $written.url | default "" -}}
{{- if eq $version "local" -}}
{{- $url = printf "file:%s" (include "orchestrator.local" $name) -}}
{{- else if and (eq $version "v2") (not $url) -}}
{{- $base := include "common.url" (dict "root" $root "component" $home.component "port" "http") -}}
{{- $url = ternary (printf "%s%s" $base $home.path) "" (ne $base "") -}}
{{- end -}}
{{- $_ := set $services $name (dict "version" $version "url" $url) -}}
{{- end -}}
{{- $services | toJson -}}
{{- end -}}

{{- /* Options of the JDBC URLs: the site's, also empty ones, else ours, with TLS where the server is elsewhere and speaks it. */ -}}
{{- define "orchestrator.jdbcoptions" -}}
{{- if kindIs "string" .root.Values.jdbcOptions -}}
{{- .root.Values.jdbcOptions -}}
{{- else -}}
{{- eq (include "common.tls" (dict "root" .root "component" "mariadb-orchestrator")) "true" | ternary "useSSL=true&requireSSL=true&verifyServerCertificate=true&enabledTLSProtocols=TLSv1.2" "useSSL=false" }}&useUnicode=true&characterEncoding=UTF-8
{{- end -}}
{{- end -}}

{{- /* JDBC URLs of our own: launch.sh exports DATASOURCE_* whatever the pod says, and this wins over the environment. */ -}}
{{- define "orchestrator.jdbc" -}}
{{- $sources := dict -}}
{{- range $name := list "orchestrator" "workflow" -}}
{{- $endpoint := get $.settings (printf "%s_DB_ENDPOINT" (upper $name)) | default $.endpoint -}}
{{- $database := get $.settings (printf "%s_DB_NAME" (upper $name)) | default $name -}}
{{- $_ := set $sources $name (dict "url" (printf "jdbc:mysql://%s/%s?%s" $endpoint $database $.options)) -}}
{{- end -}}
{{- dict "datasource" $sources | toRawJson -}}
{{- end -}}

{{- /* The iss of the tokens: IAM ends it with a slash, and the Orchestrator compares it letter by letter. */ -}}
{{- define "orchestrator.issuer" -}}
{{- .root.Values.oidc.issuer | default (printf "%s/" (include "common.publicurl" (dict "root" .root "component" "iam"))) -}}
{{- end -}}

{{- /* The one group of administrators that the software knows: its own value, else that of the platform, where that is one. */ -}}
{{- define "orchestrator.admingroup" -}}
{{- $groups := include "common.groups" (dict "root" .root "role" "admin" "own" nil) | fromJsonArray -}}
{{- .root.Values.oidc.adminGroup | default (first $groups) | default "orchestrator-admins" -}}
{{- end -}}

{{- /*
application.yml, which Spring finds in config/ below the working directory, and the files of local services. The XA name is made
of what stays the same over restarts and differs between platforms that share a database server.
*/ -}}
{{- define "orchestrator.files" -}}
{{- $oidc := .root.Values.oidc -}}
{{- $client := dict
  "client-id" "${ORCHESTRATOR_OIDC_CLIENT_ID}"
  "client-secret" "${ORCHESTRATOR_OIDC_CLIENT_SECRET}"
  "scopes" $oidc.scopes -}}
{{- $issuer := dict "orchestrator" $client "audience" (include "common.audience" (dict "root" .root "component" "orchestrator")) "admingroup" (include "orchestrator.admingroup" .) -}}
{{- if $oidc.clues -}}
{{- $_ := set $issuer "clues" (dict "client-id" "${ORCHESTRATOR_CLUES_CLIENT_ID}" "client-secret" "${ORCHESTRATOR_CLUES_CLIENT_SECRET}") -}}
{{- end -}}
{{- $application := dict
  "oidc" (dict "enabled" true "iam-properties" (dict (printf "[%s]" (include "orchestrator.issuer" .)) $issuer))
  "spring.jta.transaction-manager-id" (printf "%s.%s" .root.Release.Namespace .name | trunc 51) -}}
{{- $own := include "common.settings.of" (dict "x" . "where" "/orchestrator/config/application.yml") | fromJson -}}
{{- $files := dict "/orchestrator/config/application.yml" (dict "content" (merge $own $application | toYaml)) -}}
{{- range $name, $service := include "orchestrator.services" . | fromJson -}}
{{- if eq $service.version "local" -}}
{{- $_ := set $files (include "orchestrator.local" $name) (dict "content" ((get $.root.Values.services $name).data | toPrettyJson)) -}}
{{- end -}}
{{- end -}}
{{- $shipper := dict "root" .root "component" "log-shipper" "port" "lines" -}}
{{- if ne (include "common.mode" $shipper) "off" -}}
{{- $_ := set $files "/orchestrator/config/logback.xml" (dict "content" (include "orchestrator.logback" (include "common.endpoint" $shipper))) -}}
{{- end -}}
{{- $files | toYaml -}}
{{- end -}}

{{- /*
The war's own configuration for text, and a second appender: it keeps lines in a ring buffer, drops them when that is full and
connects again by itself, so that the Orchestrator never waits for its log (docs/adr/0005-log-shipper.md).
*/ -}}
{{- define "orchestrator.logback" -}}
<configuration>
  <include resource="org/springframework/boot/logging/logback/defaults.xml"/>
  <include resource="org/springframework/boot/logging/logback/console-appender.xml"/>
  <appender name="SHIPPER" class="net.logstash.logback.appender.LogstashTcpSocketAppender">
    <destination>{{ . }}</destination>
    <reconnectionDelay>1 second</reconnectionDelay>
    <encoder class="ch.qos.logback.classic.encoder.PatternLayoutEncoder">
      <pattern>${FILE_LOG_PATTERN}</pattern>
    </encoder>
  </appender>
  <root level="INFO">
    <appender-ref ref="CONSOLE"/>
    <appender-ref ref="SHIPPER"/>
  </root>
</configuration>
{{ end -}}

{{- /* What the site's values get wrong, as a JSON list of sentences. */ -}}
{{- define "orchestrator.errors" -}}
{{- $x := . -}}
{{- $values := .root.Values -}}
{{- $settings := $values.settings | default dict -}}
{{- $errors := list -}}
{{- if eq (include "common.mode" (dict "root" .root "component" "iam")) "off" -}}
{{- $errors = append $errors "global.components.iam.mode: is off, but without OIDC the API is open to everybody and deployments fail; write embedded, or external with global.urls.iam" -}}
{{- end -}}

{{- $missing := list -}}
{{- range $scope := list "openid" "profile" "offline_access" -}}
{{- if not (has $scope $values.oidc.scopes) }}{{ $missing = append $missing $scope }}{{ end -}}
{{- end -}}
{{- if $missing -}}
{{- $errors = append $errors (printf "orchestrator.oidc.scopes: lacks %s; token exchange and refresh need openid, profile and offline_access, and an empty list asks for scopes that IAM does not grant" (join ", " $missing)) -}}
{{- end -}}
{{- $issuer := include "orchestrator.issuer" . -}}
{{- if not (regexMatch "^https?://\\S+/$" $issuer) -}}
{{- $errors = append $errors (printf "orchestrator.oidc.issuer: %q is not the iss of a token of INDIGO IAM; write it with the slash at its end: %s/" $issuer $issuer) -}}
{{- end -}}

{{- $groups := include "common.groups" (dict "root" .root "role" "admin" "own" nil) | fromJsonArray -}}
{{- if and (gt (len $groups) 1) (not $values.oidc.adminGroup) -}}
{{- $errors = append $errors (printf "orchestrator.oidc.adminGroup: is required, the Orchestrator knows one group of administrators and global.groups.admin names %d; write one of %s" (len $groups) (join ", " $groups)) -}}
{{- end -}}

{{- range $name, $service := include "orchestrator.services" . | fromJson -}}
{{- $key := printf "orchestrator.services.%s" $name -}}
{{- $written := get $values.services $name -}}
{{- if eq $service.version "local" -}}
{{- if $written.url -}}
{{- $errors = append $errors (printf "%s.url: has no effect with version %s; set %s.version to v1 or v2, or empty the URL" $key (ternary "auto while the component is off" "local" (eq $written.version "auto")) $key) -}}
{{- end -}}
{{- else if not (regexMatch "^https?://\\S*[^/\\s]$" $service.url) -}}
{{- $component := ternary "kafka-proxy" "federation-registry" (eq $name "cpr") -}}
{{- $errors = append $errors (printf "%s.url: %q is no base URL for version %s; write one without a slash at its end, for example %s%s" $key $service.url $service.version (ternary "https://ranker.example.org/cpr" "https://registry.example.org/api/v1" (eq $name "cpr")) (ternary (printf ", or switch global.components.%s on" $component) "" (eq $service.version "v2"))) -}}
{{- else if $written.url -}}
{{- with include "orchestrator.blocked" (dict "x" $x "url" $service.url) }}{{ $errors = append $errors (printf "%s.url: %s" $key .) }}{{ end -}}
{{- end -}}
{{- end -}}

{{- range $name, $value := $settings -}}
{{- if hasPrefix "DATASOURCE_" $name -}}
{{- $errors = append $errors (printf "orchestrator.settings.%s: launch.sh overwrites it; write the options of the JDBC URL into orchestrator.jdbcOptions and the server into global.components.mariadb" $name) -}}
{{- end -}}
{{- end -}}
{{- with $settings.JAVA_OPTS -}}
{{- if regexMatch "UseCGroupMemoryLimitForHeap|MaxRAMFraction" . -}}
{{- $errors = append $errors "orchestrator.settings.JAVA_OPTS: UseCGroupMemoryLimitForHeap and MaxRAMFraction know only cgroup version 1 and give the heap the whole limit; write -XX:MaxRAMPercentage=60" -}}
{{- end -}}
{{- end -}}
{{- if and (include "common.tls" (dict "root" .root "component" "mariadb-orchestrator")) (not (contains "useSSL=true" (include "orchestrator.jdbcoptions" .))) -}}
{{- $errors = append $errors "orchestrator.jdbcOptions: has no useSSL=true, but global.components of its database asks for TLS; add it with requireSSL=true and enabledTLSProtocols=TLSv1.2, or write null for ours" -}}
{{- end -}}
{{- if and (hasKey $settings "SPRING_APPLICATION_JSON") (include "orchestrator.jdbcoptions" .) -}}
{{- $errors = append $errors "orchestrator.settings.SPRING_APPLICATION_JSON: holds the JDBC URLs of this chart; write other properties under settings by their own names, or empty orchestrator.jdbcOptions" -}}
{{- end -}}
{{- if and (eq ($settings.JSON_LOGGING | toString) "true") (ne (include "common.mode" (dict "root" .root "component" "log-shipper")) "off") -}}
{{- $errors = append $errors "orchestrator.settings.JSON_LOGGING: has no effect beside the log shipper, whose parsers read text; remove it, or switch log-shipper off" -}}
{{- end -}}
{{- if hasKey $settings "SERVER_CONTEXT_PATH" -}}
{{- $errors = append $errors "orchestrator.settings.SERVER_CONTEXT_PATH: moves /info, which the probes ask; let the gateway strip the prefix and send X-Forwarded-Prefix" -}}
{{- end -}}
{{- $errors | toJson -}}
{{- end -}}

{{- /*
Why this component's NetworkPolicy would stop traffic to a URL that the site writes, or nothing: dict x, url. Without it: a silent
timeout. A Service of the platform is open where the contract requires that port of it.
*/ -}}
{{- define "orchestrator.blocked" -}}
{{- $port := include "common.urlport" .url | int -}}
{{- $host := (urlParse .url).hostname -}}
{{- $suffix := printf "(\\.%s(\\.svc(\\.cluster\\.local)?)?)?$" .x.root.Release.Namespace -}}
{{- $open := list -}}
{{- range $out := .x.contract.egress -}}
{{- range $number := $out.ports }}{{ $open = append $open ($number | int) }}{{ end -}}
{{- end -}}
{{- range $extra := .x.root.Values.extraEgress -}}
{{- range $number := $extra.ports }}{{ $open = append $open ($number | int) }}{{ end -}}
{{- end -}}
{{- $inside := false -}}
{{- range $edge := .x.contract.requires -}}
{{- $peer := dict "root" $.x.root "component" $edge.component "port" $edge.port -}}
{{- if and (regexMatch (printf "^%s%s" $edge.component $suffix) $host) (include "common.here" $peer) (eq (include "common.port" $peer | int) $port) }}{{ $inside = true }}{{ end -}}
{{- end -}}
{{- if not (or $inside (has $port $open)) -}}
{{- printf "port %d is closed by the NetworkPolicy, which opens %s; use one of them (https is 443), or open it in orchestrator.extraEgress" $port ($open | uniq | sortAlpha | join ", ") -}}
{{- end -}}
{{- end -}}
