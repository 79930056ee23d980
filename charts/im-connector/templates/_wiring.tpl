{{- define "im-connector.wiring" -}}
{{- $site := .root.Values -}}
command: [fastapi, run, /app/im_connector/main.py, --port, "8000"]
env:
  HOME: /tmp
  FORWARDED_ALLOW_IPS: "*"
  IM_HOST: {{ include "common.insideurl" (dict "root" .root "component" "im" "port" "http") }}
  ALLOWED_ORIGINS: {{ $site.origins | toJson | toJson }}
  AUTHN_MODE: local
  TRUSTED_IDP_LIST: {{ include "common.issuers.names" (dict "root" .root "own" nil) | toJson }}
errors: {{ include "im-connector.errors" . }}
{{- end -}}

{{- /* What the site's values get wrong, as a JSON list. */ -}}
{{- define "im-connector.errors" -}}
{{- $settings := .root.Values.settings | default dict -}}
{{- $wrong := list -}}
{{- if hasKey $settings "AUTHZ_MODE" -}}
{{- $wrong = append $wrong "im-connector.settings.AUTHZ_MODE: makes every call end in 500 with this version; remove it" -}}
{{- end -}}
{{- range $component := list "im" "iam" -}}
{{- if eq (include "common.mode" (dict "root" $.root "component" $component)) "off" -}}
{{- $wrong = append $wrong (printf "global.components.%s.mode: is off, but im-connector is of no use without it; write embedded, or external with global.urls.%s, or switch im-connector off" $component $component) -}}
{{- end -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}
