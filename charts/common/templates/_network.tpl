{{- /*
Service, NetworkPolicy, ServiceAccount and disruption budget. The policy is the component's place in the graph: in come its
consumers (index), where it is exposed the gateway, and where it is watched Prometheus; out go its requirements, DNS and what `egress` declares.
*/ -}}
{{- define "common.serviceaccount" -}}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "common.metadata" (dict "x" . "name" .name) | nindent 2 }}
automountServiceAccountToken: false
{{- end -}}

{{- define "common.service" -}}
{{- $offered := dict -}}
{{- range $port, $declared := .contract.ports -}}
{{- if dig "service" true $declared }}{{ $_ := set $offered $port $declared }}{{ end -}}
{{- end -}}
{{- if $offered }}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "common.metadata" (dict "x" . "name" .name) | nindent 2 }}
spec:
  type: ClusterIP
  selector:
    {{- include "common.selector" (dict "x" . "role" "server") | nindent 4 }}
  ports:
    {{- range $port, $declared := $offered }}
    - name: {{ $port }}
      port: {{ $declared.port | int }}
      targetPort: {{ $port }}
      protocol: TCP
      {{- if has $declared.protocol (list "http" "https" "grpc") }}
      appProtocol: {{ $declared.protocol }}
      {{- end }}
    {{- end }}
{{- end }}
{{- end -}}

{{- /* Name of the Service that a StatefulSet's pods have their own names in: peers need one each, others do not care. */ -}}
{{- define "common.service.governing" -}}
{{- .contract.peers | default false | ternary (printf "%s-peers" .name) .name -}}
{{- end -}}

{{- /* Peers find each other before they are ready, and by names that outlive them: a headless Service for them alone. */ -}}
{{- define "common.service.peers" -}}
{{- if and .contract.peers (eq .contract.workload.kind "StatefulSet") }}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "common.metadata" (dict "x" . "name" (include "common.service.governing" .)) | nindent 2 }}
spec:
  type: ClusterIP
  clusterIP: None
  publishNotReadyAddresses: true
  selector:
    {{- include "common.selector" (dict "x" . "role" "server") | nindent 4 }}
  ports:
    {{- range $port, $declared := .contract.ports }}
    - name: {{ $port }}
      port: {{ $declared.port | int }}
      targetPort: {{ $port }}
      protocol: TCP
      {{- if has $declared.protocol (list "http" "https" "grpc") }}
      appProtocol: {{ $declared.protocol }}
      {{- end }}
    {{- end }}
{{- end }}
{{- end -}}

{{- define "common.disruptionbudget" -}}
{{- if gt (int (.root.Values.replicas | default 1)) 1 }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "common.metadata" (dict "x" . "name" .name) | nindent 2 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "common.selector" (dict "x" . "role" "server") | nindent 6 }}
{{- end }}
{{- end -}}

{{- define "common.networkpolicy" -}}
{{- $x := . -}}
{{- $network := dig "network" dict ($x.root.Values.global | default dict) -}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "common.metadata" (dict "x" $x "name" $x.name) | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ $x.name }}
  policyTypes: [Ingress, Egress]
  {{- /* no empty list: the API server drops it, and every sync would write the object anew */}}
  {{- with include "common.networkpolicy.ingress" (dict "x" $x "network" $network) | fromYamlArray }}
  ingress:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  egress:
    {{- include "common.networkpolicy.egress" (dict "x" $x "network" $network) | trim | nindent 4 }}
{{- end -}}

{{- define "common.networkpolicy.ingress" -}}
{{- $x := .x -}}
{{- $site := include "common.monitoring.site" $x.root | fromJson -}}
{{- $network := .network -}}
{{- $rules := list -}}
{{- if include "common.here" (dict "root" $x.root "component" $x.name) -}}
{{- range $port, $declared := $x.contract.ports -}}
{{- $from := list -}}
{{- range $consumer := include "common.consumers" (dict "x" $x "port" $port) | fromJsonArray -}}
{{- $from = append $from (include "common.peer" (dict "root" $x.root "component" $consumer) | fromJson) -}}
{{- end -}}
{{- if or $x.contract.peers $x.contract.jobs -}}
{{- $from = append $from (dict "podSelector" (dict "matchLabels" (dict "app.kubernetes.io/name" $x.name))) -}}
{{- end -}}
{{- if eq ($x.contract.exposed | default "") $port -}}
{{- $from = append $from (dict "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" ($network.gatewayNamespace | default "gateway")))) -}}
{{- end -}}
{{- if and $site.enabled (eq ($x.contract.metrics.port | default "") $port) -}}
{{- $from = append $from (dict "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" $site.namespace))) -}}
{{- end -}}
{{- if $from -}}
{{- $rules = append $rules (dict "from" $from "ports" (list (dict "protocol" "TCP" "port" ($declared.port | int)))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $rules | toYaml -}}
{{- end -}}

{{- define "common.networkpolicy.egress" -}}
{{- $x := .x -}}
{{- $network := .network -}}
{{- $rules := list (include "common.dns" $network | fromJson) -}}
{{- range $edge := $x.contract.requires -}}
{{- $peer := dict "root" $x.root "component" $edge.component "port" $edge.port -}}
{{- with include "common.way" $peer | fromJson -}}
{{- $rules = append $rules . -}}
{{- end -}}
{{- end -}}
{{- if eq (include "common.mode" (dict "root" $x.root "component" $x.name)) "external" -}}
{{- range $port, $declared := $x.contract.ports -}}
{{- if dig "service" true $declared -}}
{{- $rules = append $rules (include "common.way" (dict "root" $x.root "component" $x.name "port" $port) | fromJson) -}}
{{- end -}}
{{- end -}}
{{- else if or $x.contract.peers $x.contract.jobs -}}
{{- $ports := list -}}
{{- range $port, $declared := $x.contract.ports }}{{ $ports = append $ports (dict "protocol" "TCP" "port" ($declared.port | int)) }}{{ end -}}
{{- if $ports -}}
{{- $rules = append $rules (dict "to" (list (dict "podSelector" (dict "matchLabels" (dict "app.kubernetes.io/name" $x.name)))) "ports" $ports) -}}
{{- end -}}
{{- end -}}
{{- range $out := $x.contract.egress -}}
{{- $ports := include "common.tcp" $out.ports | fromJsonArray -}}
{{- if eq $out.to "internet" -}}
{{- $rules = append $rules (dict "to" (include "common.cidrs" $network.internetCidrs | fromJsonArray) "ports" $ports) -}}
{{- else -}}
{{- $to := list (dict "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" ($network.gatewayNamespace | default "gateway")))) -}}
{{- range $cidr := $network.gatewayCidrs }}{{ $to = append $to (dict "ipBlock" (dict "cidr" $cidr)) }}{{ end -}}
{{- $rules = append $rules (dict "to" $to "ports" $ports) -}}
{{- end -}}
{{- end -}}
{{- range $extra := $x.root.Values.extraEgress -}}
{{- $ports := include "common.tcp" $extra.ports | fromJsonArray -}}
{{- $rules = append $rules (dict "to" (include "common.cidrs" $extra.cidrs | fromJsonArray) "ports" $ports) -}}
{{- end -}}
{{- $rules | toYaml -}}
{{- end -}}

{{- /*
The rule of egress to a port of a component, as JSON: its pods, or the addresses of one that runs elsewhere, at the port of its host
or of its URL; empty where it is off. Dict root, component, port.
*/ -}}
{{- define "common.way" -}}
{{- $entry := include "common.entry" . | fromJson -}}
{{- $ports := include "common.tcp" (list (include "common.port" .)) | fromJsonArray -}}
{{- $to := list -}}
{{- if include "common.here" . -}}
{{- $to = list (include "common.peer" . | fromJson) -}}
{{- else if and (eq (include "common.mode" .) "external") (or $entry.host (include "common.writtenurl" .)) -}}
{{- $to = include "common.cidrs" ($entry.cidrs | default (dig "network" "internetCidrs" list (.root.Values.global | default dict))) | fromJsonArray -}}
{{- if not $entry.host -}}
{{- $ports = include "common.tcp" (list (include "common.urlport" (include "common.writtenurl" .))) | fromJsonArray -}}
{{- end -}}
{{- end -}}
{{- empty $to | ternary dict (dict "to" $to "ports" $ports) | toJson -}}
{{- end -}}

{{- /* A component's pods as a peer of a NetworkPolicy, as JSON. */ -}}
{{- define "common.peer" -}}
{{- dict "podSelector" (dict "matchLabels" (include "common.pods" . | fromJson)) | toJson -}}
{{- end -}}

{{- /* Who connects to a port and runs here, those of instances that are served in their place included, as JSON: dict x, port. */ -}}
{{- define "common.consumers" -}}
{{- $found := get .x.index.consumers .port | default list -}}
{{- range $instance := include "common.served" .x | fromJsonArray -}}
{{- $found = concat $found (get (include (printf "common.index.%s" $instance) $.x.root | fromJson).consumers $.port | default list) -}}
{{- end -}}
{{- $here := list -}}
{{- range $consumer := $found | uniq | sortAlpha -}}
{{- if include "common.here" (dict "root" $.x.root "component" $consumer) }}{{ $here = append $here $consumer }}{{ end -}}
{{- end -}}
{{- $here | toJson -}}
{{- end -}}

{{- /* The instances in whose place this component serves, as JSON. */ -}}
{{- define "common.served" -}}
{{- $served := list -}}
{{- range $instance := .index.instances -}}
{{- if eq (include "common.instance" (dict "root" $.root "component" $instance)) $.name }}{{ $served = append $served $instance }}{{ end -}}
{{- end -}}
{{- $served | toJson -}}
{{- end -}}

{{- /* What the contracts of others own on this component (databases, ...), of instances that it serves too, as JSON: dict x, what. */ -}}
{{- define "common.owned" -}}
{{- $owned := get .x.index .what -}}
{{- range $instance := include "common.served" .x | fromJsonArray -}}
{{- $owned = concat $owned (get (include (printf "common.index.%s" $instance) $.x.root | fromJson) $.what) -}}
{{- end -}}
{{- $owned | toJson -}}
{{- end -}}

{{- /* The rule of egress to the cluster's DNS, as JSON: takes global.network. */ -}}
{{- define "common.dns" -}}
{{- $to := list (dict "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" (.dnsNamespace | default "kube-system")))) -}}
{{- dict "to" $to "ports" (list (dict "protocol" "UDP" "port" 53) (dict "protocol" "TCP" "port" 53)) | toJson -}}
{{- end -}}

{{- /* Port entries for a list of TCP port numbers, as JSON. */ -}}
{{- define "common.tcp" -}}
{{- $ports := list -}}
{{- range $port := . }}{{ $ports = append $ports (dict "protocol" "TCP" "port" ($port | int)) }}{{ end -}}
{{- $ports | toJson -}}
{{- end -}}

{{- /* Peers for a list of CIDRs, as JSON; without a list, everywhere. */ -}}
{{- define "common.cidrs" -}}
{{- $peers := list -}}
{{- range $cidr := . | default (list "0.0.0.0/0") }}{{ $peers = append $peers (dict "ipBlock" (dict "cidr" $cidr)) }}{{ end -}}
{{- $peers | toJson -}}
{{- end -}}
