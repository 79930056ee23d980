{{- /* Probes of the contract, as Kubernetes writes them. */ -}}
{{- define "common.probes" -}}
{{- range $kind := list "startup" "readiness" "liveness" }}
{{- with get $.probes $kind }}
{{ $kind }}Probe:
  {{- if .command }}
  exec:
    command:
      {{- toYaml .command | nindent 6 }}
  {{- else if .path }}
  httpGet:
    path: {{ .path }}
    port: {{ .port }}
    {{- with .headers }}
    httpHeaders:
      {{- range $header, $value := . }}
      - name: {{ $header }}
        value: {{ $value | quote }}
      {{- end }}
    {{- end }}
  {{- else }}
  tcpSocket:
    port: {{ .port }}
  {{- end }}
  periodSeconds: {{ .period | default 10 | int }}
  timeoutSeconds: {{ .timeout | default 3 | int }}
  failureThreshold: {{ .failures | default 3 | int }}
{{- end }}
{{- end }}
{{- end -}}
