{{- define "tosca.wiring" -}}
{{- $site := .root.Values -}}
command: [python3, /indigo-paas/tosca/tosca.py, /indigo-paas/tosca/settings.json]
env:
  HOME: /tmp
  PYTHONDONTWRITEBYTECODE: "1"
  {{- if $site.private }}
  GIT_USERNAME: {secret: tosca-git, key: username}
  GIT_TOKEN: {secret: tosca-git, key: token}
  {{- end }}
files:
  /indigo-paas/tosca/tosca.py: {content: {{ include "tosca.program" . | toJson }}}
  /indigo-paas/tosca/settings.json: {content: {{ include "tosca.settings" . | toJson }}}
errors: {{ include "tosca.errors" . }}
{{- end -}}

{{- /* The sources with a repository, as JSON. */ -}}
{{- define "tosca.sources" -}}
{{- $sources := dict -}}
{{- range $name, $source := .root.Values.sources -}}
{{- if $source.repository -}}
{{- $_ := set $sources $name (dict "repository" $source.repository "revision" ($source.revision | default "") "replaces" ($source.replaces | default list)) -}}
{{- end -}}
{{- end -}}
{{- $sources | toJson -}}
{{- end -}}

{{- define "tosca.settings" -}}
{{- dict
  "root" "/srv/tosca"
  "address" "0.0.0.0"
  "port" 8080
  "retry" 60
  "url" (include "common.insideurl" (dict "root" .root "component" "tosca" "port" "http"))
  "sources" (include "tosca.sources" . | fromJson) | toPrettyJson -}}
{{- end -}}

{{- /* What the site's values get wrong, as a JSON list. */ -}}
{{- define "tosca.errors" -}}
{{- $site := .root.Values -}}
{{- $sources := include "tosca.sources" . | fromJson -}}
{{- $wrong := list -}}
{{- if not $sources -}}
{{- $wrong = append $wrong "tosca.sources: has no repository, so there is nothing to serve; write one, or set global.components.tosca.mode to off" -}}
{{- end -}}
{{- range $name, $source := $sources -}}
{{- if not (regexMatch "^[0-9a-f]{40}$" $source.revision) -}}
{{- $wrong = append $wrong (printf "tosca.sources.%s.revision: %q is no commit; write all 40 digits of one (git ls-remote shows them), for a branch or tag can change" $name $source.revision) -}}
{{- end -}}
{{- range $address := $source.replaces -}}
{{- if not (hasSuffix "/" $address) -}}
{{- $wrong = append $wrong (printf "tosca.sources.%s.replaces: %s must end before the name of the branch, with a slash" $name $address) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}
