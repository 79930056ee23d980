{{- /*
How an exposed component is reached from outside: an HTTPRoute, an Ingress, or nothing, as global.routes and the component's
own `route` say. Host and path come from global.urls.<component>, the one place where a public URL is written; port, time-out
and what becomes of a path come from the contract (`exposed`, `route`). Which of the two kinds a cluster knows is never asked
of it: the values say so.
*/ -}}
{{- define "common.routes" -}}
{{- $route := include "common.route" . | fromJson -}}
{{- if eq $route.kind "HTTPRoute" }}
{{ include "common.route.http" (dict "x" . "route" $route) }}
{{- else if eq $route.kind "Ingress" }}
{{ include "common.route.ingress" (dict "x" . "route" $route) }}
{{- end }}
{{- end -}}

{{- /* global.routes with the component's own `route` over it, and host, path and scheme of its public URL, as JSON. */ -}}
{{- define "common.route" -}}
{{- $route := dict "kind" "none" -}}
{{- if .contract.exposed -}}
{{- $global := dig "routes" dict (.root.Values.global | default dict) | deepCopy -}}
{{- $route = mergeOverwrite $route $global (.root.Values.route | default dict | deepCopy) -}}
{{- $url := dig "urls" .name "" (.root.Values.global | default dict) | urlParse -}}
{{- $_ := set $route "host" $url.hostname -}}
{{- $_ := set $route "path" (printf "/%s" (trimAll "/" $url.path)) -}}
{{- $_ := set $route "tlsHost" (eq $url.scheme "https" | ternary $url.hostname "") -}}
{{- end -}}
{{- $route | toJson -}}
{{- end -}}

{{- /* What the site's values get wrong about a route, as a JSON list. */ -}}
{{- define "common.route.errors" -}}
{{- $x := . -}}
{{- $route := include "common.route" $x | fromJson -}}
{{- $wrong := list -}}
{{- if $x.contract.exposed -}}
{{- $demands := $x.contract.route -}}
{{- if ne $route.kind "none" -}}
{{- if not $route.host -}}
{{- $wrong = append $wrong (printf "global.urls.%s: is required for a route of kind %s; write the public URL, for example https://%s.example.org" $x.name $route.kind $x.name) -}}
{{- end -}}
{{- if and (ne $route.path "/") (eq $demands.prefix.mode "none") -}}
{{- $wrong = append $wrong (printf "global.urls.%s: has the path %s, and %s needs a host name of its own (%s); write a URL without a path" $x.name $route.path $x.name (trimSuffix "." $demands.prefix.why)) -}}
{{- end -}}
{{- end -}}
{{- if and (eq $route.kind "HTTPRoute") (not (dig "gateway" "name" "" $route)) -}}
{{- $wrong = append $wrong "global.routes.gateway.name: is required for routes of kind HTTPRoute; write the name of the Gateway" -}}
{{- end -}}
{{- if eq $route.kind "Ingress" -}}
{{- if and (ne $route.path "/") (eq $demands.prefix.mode "strip") -}}
{{- $wrong = append $wrong (printf "global.urls.%s: has the path %s, which %s wants to be cut off, and an Ingress cannot say so; write a URL without a path, or route.kind: HTTPRoute" $x.name $route.path $x.name) -}}
{{- end -}}
{{- $tls := dig "ingress" "tls" dict $route -}}
{{- if and $tls.issuer $tls.clusterIssuer -}}
{{- $wrong = append $wrong (printf "global.routes.ingress.tls: has an issuer and a clusterIssuer; write one of the two (for %s)" $x.name) -}}
{{- end -}}
{{- end -}}
{{- with $demands.forwarded.setting -}}
{{- $declared := get $x.contract.settings . -}}
{{- $set := merge (dict) $x.env ($x.root.Values.settings | default dict) -}}
{{- $value := include "common.text" (hasKey $set . | ternary (get $set .) ($declared.default | default "")) -}}
{{- if has $value $demands.forwarded.distrusts -}}
{{- $wrong = append $wrong (printf "%s.settings.%s: is %q, and the gateway's headers would not be believed; leave it out. %s" $x.name . $value $demands.forwarded.why) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}

{{- /* Every default of the API is written out, so that Argo CD finds in the cluster what is in Git. */ -}}
{{- define "common.route.http" -}}
{{- $x := .x -}}
{{- $route := .route -}}
{{- $contract := $x.contract -}}
{{- $network := dig "network" dict ($x.root.Values.global | default dict) -}}
{{- $cut := and (ne $route.path "/") (eq $contract.route.prefix.mode "strip") -}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  {{- include "common.metadata" (dict "x" $x "name" $x.name "annotations" $route.annotations) | nindent 2 }}
spec:
  parentRefs:
    - group: gateway.networking.k8s.io
      kind: Gateway
      name: {{ $route.gateway.name }}
      namespace: {{ $route.gateway.namespace | default $network.gatewayNamespace | default "gateway" }}
      {{- with $route.gateway.sectionName }}
      sectionName: {{ . }}
      {{- end }}
  hostnames:
    - {{ $route.host | quote }}
  rules:
    - matches:
        - path:
            type: PathPrefix
            value: {{ $route.path }}
      {{- if $cut }}
      filters:
        {{- if has "X-Forwarded-Prefix" $contract.route.forwarded.reads }}
        - type: RequestHeaderModifier
          requestHeaderModifier:
            set:
              - {name: X-Forwarded-Prefix, value: {{ $route.path }}}
        {{- end }}
        - type: URLRewrite
          urlRewrite:
            path:
              type: ReplacePrefixMatch
              replacePrefixMatch: /
      {{- end }}
      backendRefs:
        - group: ""
          kind: Service
          name: {{ $x.name }}
          port: {{ (get $contract.ports $contract.exposed).port | int }}
          weight: 1
      {{- with $contract.route.timeout }}
      timeouts:
        request: {{ .value | int }}s
      {{- end }}
{{- end -}}

{{- /* An Ingress has no field for limits: the site says which annotations of its controller take them. */ -}}
{{- define "common.route.ingress" -}}
{{- $x := .x -}}
{{- $route := .route -}}
{{- $contract := $x.contract -}}
{{- $tls := $route.ingress.tls | default dict -}}
{{- $annotations := $route.annotations | default dict -}}
{{- range $limit, $formats := $route.ingress.limitAnnotations -}}
{{- with get $contract.route $limit -}}
{{- $value := .value | int -}}
{{- range $name, $format := $formats }}{{ $_ := set $annotations $name (printf $format $value) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- with $tls.issuer }}{{ $_ := set $annotations "cert-manager.io/issuer" . }}{{ end -}}
{{- with $tls.clusterIssuer }}{{ $_ := set $annotations "cert-manager.io/cluster-issuer" . }}{{ end -}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "common.metadata" (dict "x" $x "name" $x.name "annotations" $annotations) | nindent 2 }}
spec:
  {{- with $route.ingress.className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- if $route.tlsHost }}
  tls:
    - hosts:
        - {{ $route.tlsHost | quote }}
      {{- with include "common.route.certificate" (dict "x" $x "tls" $tls) }}
      secretName: {{ . }}
      {{- end }}
  {{- end }}
  rules:
    - host: {{ $route.host | quote }}
      http:
        paths:
          - path: {{ $route.path }}
            pathType: Prefix
            backend:
              service:
                name: {{ $x.name }}
                port:
                  name: {{ $contract.exposed }}
{{- end -}}

{{- /* Secret with the certificate of an Ingress: the site's, the one that cert-manager makes, or none (the controller's own). */ -}}
{{- define "common.route.certificate" -}}
{{- if .tls.secretName -}}
{{ .tls.secretName }}
{{- else if or .tls.issuer .tls.clusterIssuer -}}
{{ .x.name }}-tls
{{- end -}}
{{- end -}}
