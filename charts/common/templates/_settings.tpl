{{- /*
Settings. The wiring gives a map from the name of a setting to its value:
  text, number or boolean     written as it is; may hold $(NAME) of a variable that comes from a Secret
  {secret: ID, key: KEY}      from a Secret; with optional: true the variable is left out where the Secret is not there
  {field: metadata.name}      from the pod
What the site writes under `settings:` wins over the wiring.
*/ -}}

{{- /* A value as text. Numbers of values files are floats, and toString writes a million as 1e+06. */ -}}
{{- define "common.text" -}}
{{- kindIs "float64" . | ternary (toJson .) (toString .) -}}
{{- end -}}

{{- /* The site's settings that live in one place ("where"), as JSON: dict x, where. */ -}}
{{- define "common.settings.of" -}}
{{- $found := dict -}}
{{- range $name, $value := .x.root.Values.settings | default dict -}}
{{- $declared := get $.x.contract.settings $name -}}
{{- if not $declared -}}
{{- fail (printf "%s.settings.%s: the contract of %s knows no such setting; see charts/%s/README.md" $.x.name $name $.x.name $.x.name) -}}
{{- end -}}
{{- if eq ($declared.where | default "env") $.where -}}
{{- $_ := set $found $name (include "common.text" $value) -}}
{{- end -}}
{{- end -}}
{{- $found | toJson -}}
{{- end -}}

{{- /* The list of environment variables. Those from Secrets come first: $(NAME) sees only what stands before it. */ -}}
{{- define "common.env" -}}
{{- $x := .x -}}
{{- $env := .env | default dict -}}
{{- range $name := keys $env | sortAlpha }}
{{- $value := get $env $name }}
{{- if kindIs "map" $value }}
- name: {{ $name }}
  valueFrom:
    {{- if $value.secret }}
    secretKeyRef:
      name: {{ include "common.secretname" (dict "root" $x.root "secret" $value.secret) }}
      key: {{ $value.key }}
      {{- if $value.optional }}
      optional: true
      {{- end }}
    {{- else }}
    fieldRef:
      fieldPath: {{ $value.field }}
    {{- end }}
{{- end }}
{{- end }}
{{- range $name := keys $env | sortAlpha }}
{{- $value := get $env $name }}
{{- if not (kindIs "map" $value) }}
- name: {{ $name }}
  value: {{ include "common.text" $value | quote }}
{{- end }}
{{- end }}
{{- end -}}
