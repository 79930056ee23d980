{{- /*
Refuses what would fail later, with the key and the fix; everything that is wrong is collected and said once. Shapes and types
of values are the schema's part; here is what a schema cannot know: the contract, and the platform around the component.
*/ -}}
{{- define "common.validate" -}}
{{- $x := . -}}
{{- $problems := concat ($x.wiring.errors | default list) (include "common.route.errors" $x | fromJsonArray) (include "common.issuers.errors" $x | fromJsonArray) (include "common.tls.errors" $x | fromJsonArray) -}}
{{- $problems = concat $problems (include "common.monitoring.errors" $x | fromJsonArray) -}}
{{- range $edge := $x.contract.requires -}}
{{- if and (eq $edge.need "hard") (eq (include "common.mode" (dict "root" $x.root "component" $edge.component)) "off") -}}
{{- $needed := include "common.instance" (dict "root" $x.root "component" $edge.component) -}}
{{- $problems = append $problems (printf "global.components.%s.mode: is off, but %s cannot run without it; write embedded or external, or switch %s off too" $needed $x.name $x.name) -}}
{{- end -}}
{{- end -}}
{{- range $edge := $x.contract.requires -}}
{{- $peer := dict "root" $x.root "component" $edge.component -}}
{{- $needed := include "common.instance" $peer -}}
{{- if and (eq (include "common.mode" $peer) "external") (not (include "common.entry" $peer | fromJson).host) (not (include "common.writtenurl" $peer)) -}}
{{- if (include (printf "common.index.%s" $needed) $x.root | fromJson).url -}}
{{- $problems = append $problems (printf "global.urls.%s: is required; write the public URL of %s without a trailing slash, for example https://%s.example.org" $needed $needed $needed) -}}
{{- else -}}
{{- $problems = append $problems (printf "global.components.%s.host: is required in mode external; write the host name of the %s outside, for example db.example.org" $needed $needed) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $max := $x.contract.replicas.max -}}
{{- if and $max (gt (int $x.root.Values.replicas) (int $max)) -}}
{{- $problems = append $problems (printf "%s.replicas: %d is more than the %d that the software survives: %s" $x.name (int $x.root.Values.replicas) (int $max) $x.contract.replicas.why) -}}
{{- end -}}
{{- range $name, $value := $x.env -}}
{{- $declared := get $x.contract.settings $name -}}
{{- if not $declared -}}
{{- $problems = append $problems (printf "%s: the setting %s is not in the contract; declare it in charts/%s/contract.yaml or do not set it" $x.name $name $x.name) -}}
{{- else if kindIs "map" $value -}}
{{- else if and $declared.secret (not (contains "$(" ($value | toString))) -}}
{{- $problems = append $problems (printf "%s: the setting %s is secret but would be written in the clear; take it from a Secret" $x.name $name) -}}
{{- else -}}
{{- with include "common.validate.value" (dict "value" (include "common.text" $value) "declared" $declared) -}}
{{- $problems = append $problems (printf "%s: the setting %s: %s" $x.name $name .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name, $declared := $x.contract.settings -}}
{{- if and $declared.required (eq ($declared.where | default "env") "env") (not (hasKey $x.env $name)) -}}
{{- $problems = append $problems (printf "%s: the setting %s is required and nothing sets it: %s" $x.name $name $declared.meaning) -}}
{{- end -}}
{{- end -}}
{{- include "common.refuse" (dict "name" $x.name "problems" $problems) -}}
{{- end -}}

{{- /* Ends the rendering with all problems, where there are some: dict name, problems. */ -}}
{{- define "common.refuse" -}}
{{- if .problems -}}
{{- fail (printf "\n\n%s cannot be rendered:\n  - %s\n" .name (.problems | uniq | sortAlpha | join "\n  - ")) -}}
{{- end -}}
{{- end -}}

{{- /* Why a value does not fit its declaration, or nothing: dict value, declared. Same patterns as the schemas. */ -}}
{{- define "common.validate.value" -}}
{{- $patterns := dict
  "integer" "^-?[0-9]+$"
  "number" "^-?[0-9]+(\\.[0-9]+)?$"
  "boolean" "^(true|false|True|False)$"
  "yes-no" "^(yes|no)$"
  "url" "^[a-z][a-z0-9+.:-]*:(//)?\\S+$"
  "url-with-slash" "^https?://\\S+/$"
  "url-without-slash" "^https?://\\S*[^/\\s]$"
  "host-port" "^[^:/\\s]+:[0-9]+$"
  "path" "^\\S+$" -}}
{{- $examples := dict
  "boolean" "true or false"
  "yes-no" "yes or no"
  "url-with-slash" "https://iam.example.org/ with the slash at its end"
  "url-without-slash" "https://iam.example.org without a slash at its end"
  "host-port" "db.example.org:3306, the port is mandatory" -}}
{{- $type := .declared.type | default "string" -}}
{{- if and .declared.allowed (not (has .value .declared.allowed)) -}}
{{ printf "%q is none of %s" .value (.declared.allowed | join ", ") }}
{{- else if and (hasKey $patterns $type) (ne .value "") (not (contains "$(" .value)) (not (regexMatch (get $patterns $type) .value)) -}}
{{ printf "%q is not of type %s" .value $type }}{{ with get $examples $type }}; write {{ . }}{{ end }}
{{- end -}}
{{- end -}}
