{{- define "federation-manager-dashboard.wiring" -}}
{{- $site := .root.Values -}}
{{- $iam := include "common.publicurl" (dict "root" .root "component" "iam") -}}
env:
  PORT: "3000"
  HOSTNAME: 0.0.0.0
  FM_ENDPOINT_URL: {{ include "common.publicurl" (dict "root" .root "component" "federation-manager-dashboard") }}
  FM_AUTH_SECRET: {secret: federation-manager-dashboard-app, key: auth-secret}
  API_SERVER_URL: {{ include "common.insideurl" (dict "root" .root "component" "federation-manager" "port" "http") }}/api/v1
  FM_OIDC_URL: {{ $iam }}
  FM_OIDC_CLIENT_ID: {secret: federation-manager-dashboard-app, key: client-id}
  FM_OIDC_CLIENT_SECRET: {secret: federation-manager-dashboard-app, key: client-secret}
  FM_OIDC_SCOPES: {{ join " " $site.scopes | quote }}
  FM_OIDC_PROVIDER_ID: iam
  {{- range $role, $name := .contract.roles }}
  {{ $name }}: {{ dict (include "common.issuer" $) (include "common.groups" (dict "root" $.root "role" $role "own" (get $site.roles $role)) | fromJsonArray) | toJson | toJson }}
  {{- end }}
errors: {{ include "federation-manager-dashboard.errors" . }}
{{- end -}}

{{- /* What the site's values get wrong, as a JSON list. */ -}}
{{- define "federation-manager-dashboard.errors" -}}
{{- $wrong := list -}}
{{- $image := .root.Values.image -}}
{{- if and (not $image.digest) (has ($image.tag | default .contract.image.tag) (list "latest" "main")) -}}
{{- $wrong = append $wrong "federation-manager-dashboard.image: upstream publishes no version, only a tag that moves; write image.digest (sha256:...), or image.repository and image.tag of a build of your own" -}}
{{- end -}}
{{- $url := include "common.publicurl" (dict "root" .root "component" "federation-manager-dashboard") -}}
{{- if not (hasPrefix "https://" $url) -}}
{{- $wrong = append $wrong (printf "global.urls.federation-manager-dashboard: %s is not https; its cookies are for TLS only, write https://..." $url) -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}
