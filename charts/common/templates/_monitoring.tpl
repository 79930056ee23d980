{{- /*
What Prometheus and its operator are told: a PodMonitor where the software has metrics (contract, `metrics`), and a
PrometheusRule with the component's alerts. Only global.monitoring.enabled decides: a cluster is never asked what it knows.
PodMonitors only: a metrics port is not among what a Service offers, and each pod is asked for itself.
*/ -}}
{{- define "common.monitoring" -}}
{{- $site := include "common.monitoring.site" .root | fromJson -}}
{{- if $site.enabled }}
{{- if .contract.metrics.port }}
{{ include "common.podmonitor" (dict "x" . "site" $site) }}
{{- end }}
{{- $rules := include "common.rules" (dict "x" . "site" $site) | fromJsonArray -}}
{{- if $rules }}
{{ include "common.prometheusrule" (dict "x" . "site" $site "rules" $rules) }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* global.monitoring with what is there where nothing is said, as JSON; argument: a root context. */ -}}
{{- define "common.monitoring.site" -}}
{{- $defaults := dict
  "enabled" false "namespace" "monitoring" "labels" dict "interval" "30s" "runbooks" "" "disabledAlerts" list
  "dashboards" (dict "enabled" true "labels" (dict "grafana_dashboard" "1") "annotations" dict) -}}
{{- mergeOverwrite $defaults (dig "monitoring" dict (.Values.global | default dict) | deepCopy) | toJson -}}
{{- end -}}

{{- /* What is wrong with it, as a JSON list: x. */ -}}
{{- define "common.monitoring.errors" -}}
{{- $site := include "common.monitoring.site" .root | fromJson -}}
{{- $wrong := list -}}
{{- if and $site.enabled (not $site.runbooks) -}}
{{- $wrong = append $wrong "global.monitoring.runbooks: is required where monitoring is enabled; write the URL under which docs/runbooks of your repository is read" -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}

{{- define "common.podmonitor" -}}
{{- $x := .x -}}
{{- $metrics := $x.contract.metrics -}}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  {{- include "common.metadata" (dict "x" $x "name" $x.name "labels" .site.labels) | nindent 2 }}
spec:
  selector:
    matchLabels:
      {{- include "common.selector" (dict "x" $x "role" "server") | nindent 6 }}
  podMetricsEndpoints:
    - port: {{ $metrics.port }}
      path: {{ $metrics.path | default "/metrics" }}
      interval: {{ .site.interval }}
      {{- with $metrics.params }}
      params:
        {{- range $name, $value := . }}
        {{ $name }}: [{{ $value }}]
        {{- end }}
      {{- end }}
{{- end -}}

{{- define "common.prometheusrule" -}}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  {{- include "common.metadata" (dict "x" .x "name" .x.name "labels" .site.labels) | nindent 2 }}
spec:
  groups:
    - name: indigo-paas.{{ .x.name }}
      rules:
        {{- toYaml .rules | nindent 8 }}
{{- end -}}

{{- /* Alerts of a component as a JSON list of rules: dict x, site. */ -}}
{{- define "common.rules" -}}
{{- $x := .x -}}
{{- $contract := $x.contract -}}
{{- $site := .site -}}
{{- $kept := list -}}
{{- range $volume := $contract.writable -}}
{{- if $volume.keep }}{{ $kept = append $kept $volume.name }}{{ end -}}
{{- end -}}
{{- $stateful := eq $contract.workload.kind "StatefulSet" -}}
{{- $route := include "common.route" $x | fromJson -}}
{{- $tls := dig "ingress" "tls" dict $route -}}
{{- $operator := eq (include "common.mode" (dict "root" $x.root "component" $x.name)) "operator" | ternary ($contract.operator | default dict) dict -}}
{{- $has := dict
  "serving" (ne $contract.workload.kind "CronJob")
  "cronjob" (eq $contract.workload.kind "CronJob")
  "volumes" (not (empty $kept))
  "jobs" (and (not $operator) (not (empty $contract.jobs)))
  "metrics" (not (empty (not (empty $operator) | ternary (dig "metrics" "name" "" $operator) $contract.metrics.port)))
  "certificate" (and (eq $route.kind "Ingress") (ne $route.tlsHost "") (not (empty (or $tls.issuer $tls.clusterIssuer)))) -}}
{{- $claims := $stateful | ternary (printf "(%s)-%s-[0-9]+" (join "|" $kept) $x.name) (printf "%s-(%s)" $x.name (join "|" $kept)) -}}
{{- $here := printf "{namespace=%q,%s=%q}" $x.root.Release.Namespace ($contract.workload.kind | lower) $x.name -}}
{{- $words := dict
  "namespace" $x.root.Release.Namespace
  "component" $x.name
  "wanted" (printf "%s%s" ($stateful | ternary "kube_statefulset_replicas" "kube_deployment_spec_replicas") $here)
  "ready" (printf "kube_%s_status_replicas_ready%s" ($contract.workload.kind | lower) $here)
  "claims" $claims
  "jobs" (printf "%s-(%s)-[0-9a-f]{8}" $x.name (keys ($contract.jobs | default dict) | sortAlpha | join "|"))
  "deadline" (dig "workload" "deadline" 3600 $contract | int | toString)
  "containers" (printf "container=%q" $x.name)
  "own" (printf "namespace=%q,container=%q" $x.root.Release.Namespace $x.name) -}}
{{- /* Pods that an operator makes belong to a kind of its own, and a container is not named after an instance. */ -}}
{{- if $operator -}}
{{- $pods := $operator.pods | replace "{name}" $x.name -}}
{{- $_ := set $words "wanted" (printf "vector(%d)" (int $x.root.Values.operator.replicas)) -}}
{{- $_ := set $words "ready" (printf "sum(kube_pod_status_ready{namespace=%q,pod=~%q,condition=\"true\"})" $x.root.Release.Namespace $pods) -}}
{{- $_ := set $words "claims" ($operator.claims | replace "{name}" $x.name) -}}
{{- $_ := set $words "containers" (printf "pod=~%q" $pods) -}}
{{- end -}}
{{- $rules := list -}}
{{- $alerts := include "common.alerts" $x | fromYaml -}}
{{- range $name := keys $alerts | sortAlpha -}}
{{- $alert := get $alerts $name -}}
{{- if get $has $alert.of -}}
{{- $rules = append $rules (include "common.rule" (dict "root" $x.root "site" $site "name" $name "alert" $alert "words" $words "budget" $contract.availability.budget "labels" (dict "component" $x.name "tier" $contract.tier)) | fromJson) -}}
{{- end -}}
{{- end -}}
{{- $own := empty $operator | ternary $contract.metrics.alerts (dig "metrics" "alerts" dict $operator) | default dict -}}
{{- range $name := keys $own | sortAlpha -}}
{{- $rules = append $rules (include "common.rule" (dict "root" $x.root "site" $site "name" $name "alert" (get $own $name) "words" $words "labels" (dict "component" $x.name "tier" $contract.tier)) | fromJson) -}}
{{- end -}}
{{- include "common.rules.wanted" (dict "rules" $rules "site" $site) -}}
{{- end -}}

{{- /* Rules without those that the site does not want, as JSON: dict rules, site. */ -}}
{{- define "common.rules.wanted" -}}
{{- $wanted := list -}}
{{- range $rule := .rules -}}
{{- if not (has $rule.alert $.site.disabledAlerts) }}{{ $wanted = append $wanted $rule }}{{ end -}}
{{- end -}}
{{- $wanted | toJson -}}
{{- end -}}

{{- /* One rule as JSON: dict root, site, name, alert (entry of common.alerts), words, labels, budget (seconds). */ -}}
{{- define "common.rule" -}}
{{- $expr := .alert.expr -}}
{{- $summary := .alert.summary -}}
{{- range $word, $text := .words -}}
{{- $expr = replace (printf "[[%s]]" $word) $text $expr -}}
{{- $summary = replace (printf "[[%s]]" $word) $text $summary -}}
{{- end -}}
{{- $summary = regexReplaceAll "<([a-z_]+)>" $summary "{{ $$labels.${1} }}" -}}
{{- $environment := dig "environment" "none" (.root.Values.global | default dict) -}}
{{- dict
  "alert" .name
  "expr" $expr
  "for" (eq (.alert.minutes | toString) "budget" | ternary (printf "%ds" (int .budget)) (printf "%dm" (int .alert.minutes)))
  "labels" (merge (dict "severity" .alert.severity "environment" $environment) .labels)
  "annotations" (dict "summary" $summary "runbook_url" (printf "%s/%s.md" (trimSuffix "/" .site.runbooks) .name)) | toJson -}}
{{- end -}}

{{- /* Alerts of the platform as a whole, as a JSON list of rules: a root context. */ -}}
{{- define "common.rules.platform" -}}
{{- $root := . -}}
{{- $site := include "common.monitoring.site" $root | fromJson -}}
{{- $words := dict
  "namespace" $root.Release.Namespace
  "environment" (dig "environment" "none" ($root.Values.global | default dict)) -}}
{{- $rules := list -}}
{{- $alerts := include "common.alerts" $root | fromYaml -}}
{{- range $name := keys $alerts | sortAlpha -}}
{{- $alert := get $alerts $name -}}
{{- if eq $alert.of "platform" -}}
{{- $rules = append $rules (include "common.rule" (dict "root" $root "site" $site "name" $name "alert" $alert "words" $words "labels" (dict "component" "platform")) | fromJson) -}}
{{- end -}}
{{- end -}}
{{- include "common.rules.wanted" (dict "rules" $rules "site" $site) -}}
{{- end -}}
