{{- define "rucio-connector.wiring" -}}
{{- $site := .root.Values -}}
command: [fastapi, run, /app/main.py, --port, "8000"]
env:
  HOME: /tmp
  FORWARDED_ALLOW_IPS: "*"
  RUCIO_HOST: {{ $site.rucio.url | toJson }}
  AUTH_HOST: {{ $site.rucio.authUrl | toJson }}
  ACCOUNT: {{ $site.rucio.account | toJson }}
  USERNAME: {secret: rucio-connector-rucio, key: username}
  PASSWORD: {secret: rucio-connector-rucio, key: password}
  ALLOWED_ORIGINS: {{ list (include "common.publicurl" (dict "root" .root "component" "dashboard")) | toJson | toJson }}
  {{- if $site.authentication }}
  AUTHN_MODE: local
  {{- end }}
  TRUSTED_IDP_LIST: {{ include "common.issuers.names" (dict "root" .root "own" nil) | toJson }}
errors: {{ include "rucio-connector.errors" . }}
{{- end -}}

{{- /* What the site's values get wrong, as a JSON list. */ -}}
{{- define "rucio-connector.errors" -}}
{{- $site := .root.Values -}}
{{- $wrong := list -}}
{{- range $key, $example := dict "url" "https://rucio.example.org" "authUrl" "https://rucio-auth.example.org" "account" "paas" -}}
{{- if not (get $site.rucio $key) -}}
{{- $wrong = append $wrong (printf "rucio-connector.rucio.%s: is required, it logs in at Rucio before it answers; write for example %s" $key $example) -}}
{{- end -}}
{{- end -}}
{{- if hasKey ($site.settings | default dict) "AUTHZ_MODE" -}}
{{- $wrong = append $wrong "rucio-connector.settings.AUTHZ_MODE: makes every call end in 500 with this version; remove it" -}}
{{- end -}}
{{- if and $site.authentication (eq (include "common.mode" (dict "root" .root "component" "iam")) "off") -}}
{{- $wrong = append $wrong "global.components.iam.mode: is off, but rucio-connector.authentication needs its tokens; write embedded, or external with global.urls.iam" -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}
