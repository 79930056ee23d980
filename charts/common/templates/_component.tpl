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
{{- $self := dict "root" . "component" .Chart.Name -}}
{{- $mode := include "common.mode" $self -}}
{{- $tier := (include (printf "common.index.%s" .Chart.Name) . | fromJson).tier -}}
{{- if and (include "common.rendered" (dict "root" . "tier" $tier)) (eq (include "common.instance" $self) .Chart.Name) -}}
{{- $x := dict "root" . "name" .Chart.Name "contract" (.Files.Get "contract.yaml" | fromYaml) -}}
{{- $provision := dig "external" "provision" "" $x.contract -}}
{{- if eq $mode "embedded" -}}
{{- include "common.context" $x -}}
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
{{- else if eq $mode "operator" -}}
{{- include "common.operated" $x -}}
{{- else if and (eq $mode "external") $provision (include "common.entry" $self | fromJson).provision -}}
{{- $_ := set $x.contract "jobs" (pick $x.contract.jobs $provision) -}}
{{- include "common.context" $x -}}
{{- include "common.serviceaccount" $x }}
{{ include "common.networkpolicy" $x }}
{{ include "common.config" $x }}
{{ include "common.jobs" $x }}
{{- else if not (has $mode (list "external" "off")) -}}
{{- fail (printf "global.components.%s.mode: %q is none of embedded, operator, external, off" .Chart.Name $mode) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Completes the context: dict root, name, contract. An instance has the chart's wiring and an index of its own. */ -}}
{{- define "common.context" -}}
{{- $_ := set . "index" (include (printf "common.index.%s" .name) .root | fromJson) -}}
{{- $wiring := include (printf "%s.wiring" .contract.component) . | fromYaml -}}
{{- if hasKey $wiring "Error" -}}
{{- fail (printf "%s: templates/_wiring.tpl does not give YAML: %s" .name $wiring.Error) -}}
{{- end -}}
{{- $_ := set . "wiring" $wiring -}}
{{- $_ := set . "env" (merge (dict) (include "common.settings.of" (dict "x" . "where" "env") | fromJson) ($wiring.env | default dict)) -}}
{{- end -}}

{{- /*
Text where the objects of a tier are rendered, nothing where another Application has them: dict root, tier. A slice changes
which objects come out and nothing else, so that all slices together are the whole.
*/ -}}
{{- define "common.rendered" -}}
{{- $slice := dig "slice" "" (.root.Values.global | default dict) -}}
{{- if or (not $slice) (eq $slice .tier) }}yes{{ end -}}
{{- end -}}
