{{- /*
Mode operator: the chart writes a NetworkPolicy and custom resources ("<component>.operated"); pods, Services and disruption
budgets are made by an operator, which is an Application of its own and earlier (argocd/bootstrap). Its pods carry the label
indigo-paas/component, since those of app.kubernetes.io are the operator's.
*/ -}}
{{- define "common.operated" -}}
{{- $_ := set . "index" (include (printf "common.index.%s" .name) .root | fromJson) -}}
{{- include "common.operated.validate" . -}}
{{- include "common.operated.networkpolicy" . }}
{{ include (printf "%s.operated" .contract.component) . }}
{{- include "common.operated.monitoring" . }}
{{- end -}}

{{- /*
What Prometheus and its operator are told of pods that an operator makes: a PodMonitor, unless the operator writes a monitor itself,
and the alerts that every component has, by the names of the pods.
*/ -}}
{{- define "common.operated.monitoring" -}}
{{- $x := . -}}
{{- $site := include "common.monitoring.site" $x.root | fromJson -}}
{{- if $site.enabled }}
{{- with $x.contract.operator.metrics.name }}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  {{- include "common.metadata" (dict "x" $x "name" $x.name "labels" $site.labels) | nindent 2 }}
spec:
  selector:
    matchLabels:
      {{- include "common.operated.selector" $x | nindent 6 }}
  podMetricsEndpoints:
    - port: {{ . }}
      path: /metrics
      interval: {{ $site.interval }}
{{- end }}
{{- with include "common.rules" (dict "x" $x "site" $site) | fromJsonArray }}
{{ include "common.prometheusrule" (dict "x" $x "site" $site "rules" .) }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "common.operated.validate" -}}
{{- $x := . -}}
{{- $problems := include "common.monitoring.errors" $x | fromJsonArray -}}
{{- if not $x.contract.operator -}}
{{- $problems = append $problems (printf "global.components.%s.mode: is operator, and no operator makes %s; write embedded or external" $x.name $x.name) -}}
{{- else -}}
{{- if not (dig "network" "apiServer" "cidrs" list ($x.root.Values.global | default dict)) -}}
{{- $problems = append $problems (printf "global.network.apiServer.cidrs: is empty, and the pods that %s makes for %s ask the Kubernetes API; write its addresses (kubectl get endpointslice kubernetes)" $x.contract.operator.name $x.name) -}}
{{- end -}}
{{- $max := $x.contract.operator.replicas.max -}}
{{- if and $max (gt (int $x.root.Values.operator.replicas) (int $max)) -}}
{{- $problems = append $problems (printf "%s.operator.replicas: %d is more than the %d that the contract allows: %s" $x.name (int $x.root.Values.operator.replicas) (int $max) $x.contract.operator.replicas.why) -}}
{{- end -}}
{{- $base := get (include "common.index.instances" $x.root | fromJson) $x.name -}}
{{- if and $base (eq (include "common.mode" (dict "root" $x.root "component" $base)) "embedded") -}}
{{- $problems = append $problems (printf "global.components.%s.mode: is operator while %s is embedded, whose NetworkPolicy would then open the operator's pods, too; write operator for both, or external or off for %s" $x.name $base $base) -}}
{{- end -}}
{{- end -}}
{{- include "common.refuse" (dict "name" $x.name "problems" $problems) -}}
{{- end -}}

{{- /* Labels of the pods that the operator makes, and what selects them. */ -}}
{{- define "common.operated.labels" -}}
{{ include "common.origin.labels" . }}
{{ include "common.operated.selector" . }}
{{- end -}}

{{- define "common.operated.selector" -}}
indigo-paas/component: {{ .name }}
{{- end -}}

{{- /* Of every custom resource: it stays when it is switched off, and may be rendered before its definition is there. */ -}}
{{- define "common.operated.annotations" -}}
{{- $keep := include "common.keep" . | fromYaml -}}
{{- $key := "argocd.argoproj.io/sync-options" -}}
{{- set $keep $key (printf "%s,SkipDryRunOnMissingResource=true" (get $keep $key)) | toYaml -}}
{{- end -}}

{{- define "common.operated.networkpolicy" -}}
{{- $x := . -}}
{{- $operator := $x.contract.operator -}}
{{- $network := dig "network" dict ($x.root.Values.global | default dict) -}}
{{- $own := dict "podSelector" (dict "matchLabels" (dict "indigo-paas/component" $x.name)) -}}
{{- $between := include "common.tcp" $operator.between | fromJsonArray -}}
{{- $ingress := list -}}
{{- range $port := keys $x.index.ports | sortAlpha -}}
{{- $from := list -}}
{{- range $consumer := include "common.consumers" (dict "x" $x "port" $port) | fromJsonArray -}}
{{- $from = append $from (include "common.peer" (dict "root" $x.root "component" $consumer) | fromJson) -}}
{{- end -}}
{{- if $from -}}
{{- $ingress = append $ingress (dict "from" $from "ports" (include "common.tcp" (list (get $x.index.ports $port)) | fromJsonArray)) -}}
{{- end -}}
{{- end -}}
{{- $operators := dict "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" ($network.operatorNamespace | default "indigo-operators"))) -}}
{{- $ingress = append $ingress (dict "from" (list $operators) "ports" (include "common.tcp" $operator.reached | fromJsonArray)) -}}
{{- $ingress = append $ingress (dict "from" (list $own) "ports" $between) -}}
{{- $site := include "common.monitoring.site" $x.root | fromJson -}}
{{- if $site.enabled -}}
{{- $prometheus := dict "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" $site.namespace)) -}}
{{- $ingress = append $ingress (dict "from" (list $prometheus) "ports" (include "common.tcp" (list $operator.metrics.port) | fromJsonArray)) -}}
{{- end -}}
{{- $api := dig "apiServer" dict $network -}}
{{- $egress := list (include "common.dns" $network | fromJson) -}}
{{- $egress = append $egress (dict "to" (list $own) "ports" $between) -}}
{{- $egress = append $egress (dict "to" (include "common.cidrs" $api.cidrs | fromJsonArray) "ports" (include "common.tcp" ($api.ports | default (list 443 6443)) | fromJsonArray)) -}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "common.metadata" (dict "x" $x "name" $x.name) | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      indigo-paas/component: {{ $x.name }}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- toYaml $ingress | nindent 4 }}
  egress:
    {{- toYaml $egress | nindent 4 }}
{{- end -}}

{{- /* Size and class of the volume that the contract keeps, as JSON. */ -}}
{{- define "common.operated.storage" -}}
{{- $x := . -}}
{{- range $volume := $x.contract.writable }}
{{- if $volume.keep }}
{{- $own := get ($x.root.Values.volumes | default dict) $volume.name | default dict -}}
{{- $class := $own.storageClass | default (dig "storage" "className" "" ($x.root.Values.global | default dict)) -}}
{{- dict "size" ($own.size | default $volume.size) "class" $class | toJson -}}
{{- end -}}
{{- end -}}
{{- end -}}
