{{- define "federation-registry.wiring" -}}
{{- $site := .root.Values -}}
{{- $url := include "common.publicurl" (dict "root" .root "component" "federation-registry") -}}
env:
  WEB_CONCURRENCY: "2"
  HOST: 0.0.0.0
  PORT: "8000"
  FORWARDED_ALLOW_IPS: "*"
  LOG_LEVEL: info
  TIMEOUT: "60"
  GRACEFUL_TIMEOUT: "45"
  NEO4J_URI_SCHEME: {{ eq (include "common.tls" (dict "root" .root "component" "neo4j")) "true" | ternary "bolt+s" "bolt" }}
  NEO4J_SERVER: {{ include "common.endpoint" (dict "root" .root "component" "neo4j" "port" "bolt") }}
  NEO4J_USER: neo4j
  NEO4J_PASSWORD: {secret: neo4j-auth, key: password}
  ADMIN_EMAIL_LIST: {{ $site.administrators | toJson | toJson }}
  TRUSTED_IDP_LIST: {{ include "common.issuers.names" (dict "root" .root "own" $site.furtherIssuers) | toJson }}
  DOC_V1_URL: {{ $url }}/api/v1/docs
  {{- with (urlParse $url).path }}
  ROOT_PATH: {{ . }}
  {{- end }}
errors: {{ include "federation-registry.errors" . }}
{{- end -}}

{{- /* What the site's values get wrong, as a JSON list. */ -}}
{{- define "federation-registry.errors" -}}
{{- $wrong := list -}}
{{- $image := .root.Values.image -}}
{{- if hasSuffix "-k8s" $image.repository -}}
{{- $wrong = append $wrong (printf "federation-registry.image.repository: %s cannot start, its packages lack the program that it is started by; write %s, or leave it empty" $image.repository (trimSuffix "-k8s" $image.repository)) -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}
