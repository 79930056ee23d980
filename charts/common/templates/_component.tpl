{{- /*
common.component renders every object of the calling component, in the order in which they are applied.

The context that all other helpers receive ("x") is made here, once per component:
  root      the calling chart's root context
  name      the component's name (its chart's name)
  contract  contract.yaml of the calling chart
  index     what other components' contracts say about this one (generated: _index.tpl)
  wiring    what the calling chart's "<component>.wiring" returns: see charts/README.md
*/ -}}
{{- define "common.component" -}}
{{- $name := .Chart.Name -}}
{{- $mode := include "common.mode" (dict "root" . "component" $name) -}}
{{- if eq $mode "embedded" -}}
{{- $contract := .Files.Get "contract.yaml" | fromYaml -}}
{{- $index := include (printf "common.index.%s" $name) . | fromJson -}}
{{- $x := dict "root" . "name" $name "contract" $contract "index" $index -}}
{{- $wiring := include (printf "%s.wiring" $name) $x | fromYaml -}}
{{- if hasKey $wiring "Error" -}}
{{- fail (printf "%s: templates/_wiring.tpl does not give YAML: %s" $name $wiring.Error) -}}
{{- end -}}
{{- $_ := set $x "wiring" $wiring -}}
{{- $_ := set $x "env" (merge (dict) (include "common.settings.of" (dict "x" $x "where" "env") | fromJson) ($wiring.env | default dict)) -}}
{{- include "common.validate" $x -}}
{{- include "common.serviceaccount" $x }}
{{ include "common.networkpolicy" $x }}
{{ include "common.config" $x }}
{{ include "common.volumeclaims" $x }}
{{ include "common.service" $x }}
{{ include "common.service.peers" $x }}
{{ include "common.jobs" $x }}
{{ include "common.workload" $x }}
{{ include "common.disruptionbudget" $x }}
{{ include "common.routes" $x }}
{{ include "common.monitoring" $x }}
{{- else if not (has $mode (list "external" "off")) -}}
{{- fail (printf "global.components.%s.mode: %q is none of embedded, external, off" $name $mode) -}}
{{- end -}}
{{- end -}}
