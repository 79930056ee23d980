{{- /*
The pod template: dict x, role (server or a job's name), env, container (the wiring, or a job's part of it: command,
args, and for a job files and resources), wait (init containers), probes (true for the server), annotations.
*/ -}}
{{- define "common.pod" -}}
{{- $x := .x -}}
{{- $contract := $x.contract -}}
{{- $values := $x.root.Values -}}
{{- $global := $values.global | default dict -}}
{{- $job := ne .role "server" -}}
{{- $annotations := merge (dict) (.annotations | default dict) (ternary dict ($values.podAnnotations | default dict) $job) -}}
{{- $files := and $x.wiring.files (or (not $job) .container.files) -}}
{{- if $files -}}
{{- $_ := set $annotations "checksum/config" (include "common.config.data" $x | sha256sum) -}}
{{- end -}}
metadata:
  labels:
    {{- include "common.selector" . | nindent 4 }}
    app.kubernetes.io/part-of: indigo-paas
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ $x.name }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- if $job }}
  restartPolicy: Never
  {{- end }}
  terminationGracePeriodSeconds: {{ $contract.workload.gracePeriod | int }}
  securityContext:
    runAsUser: {{ $contract.image.uid | int }}
    runAsGroup: {{ $contract.image.gid | int }}
    fsGroup: {{ $contract.image.gid | int }}
    fsGroupChangePolicy: OnRootMismatch
    {{- if ne (int $contract.image.uid) 0 }}
    runAsNonRoot: true
    {{- end }}
    seccompProfile:
      type: RuntimeDefault
  {{- with dig "images" "pullSecrets" list $global }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with include "common.scheduling" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- if .wait }}
  {{- with include "common.wait" $x | trim }}
  initContainers:
    {{- . | nindent 4 }}
  {{- end }}
  {{- end }}
  containers:
    - name: {{ $x.name }}
      image: {{ include "common.component.image" $x }}
      imagePullPolicy: {{ dig "images" "pullPolicy" "IfNotPresent" $global }}
      {{- with .container.command }}
      command:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .container.args }}
      args:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with include "common.env" (dict "x" $x "env" .env) | trim }}
      env:
        {{- . | nindent 8 }}
      {{- end }}
      {{- if not $job }}
      {{- with $contract.ports }}
      ports:
        {{- range $port, $declared := . }}
        - name: {{ $port }}
          containerPort: {{ $declared.port | int }}
          protocol: TCP
        {{- end }}
      {{- end }}
      {{- end }}
      {{- if .probes }}
      {{- include "common.probes" $contract | trim | nindent 6 }}
      {{- if $contract.workload.preStop }}
      lifecycle:
        preStop:
          sleep:
            seconds: {{ $contract.workload.preStop | int }}
      {{- end }}
      {{- end }}
      resources:
        {{- toYaml (ternary (.container.resources | default $values.resources) $values.resources $job) | nindent 8 }}
      {{- include "common.containersecurity" $contract | nindent 6 }}
      {{- with include "common.mounts" (dict "x" $x "job" $job "files" $files) | trim }}
      volumeMounts:
        {{- . | nindent 8 }}
      {{- end }}
  {{- with include "common.volumes" (dict "x" $x "job" $job "files" $files) | trim }}
  volumes:
    {{- . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- /* Image of the component: the contract's, or what the site says instead. */ -}}
{{- define "common.component.image" -}}
{{- $own := .root.Values.image | default dict -}}
{{- $declared := .contract.image -}}
{{- $replaced := or $own.repository $own.tag -}}
{{- $digest := $own.digest | default (ternary "" $declared.digest (not (not $replaced))) | default "" -}}
{{- include "common.image" (dict "root" .root "repository" ($own.repository | default $declared.repository) "tag" ($own.tag | default $declared.tag) "digest" $digest) -}}
{{- end -}}

{{- define "common.containersecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: {{ dig "security" "readOnlyRootFilesystem" true . }}
  capabilities:
    drop: [ALL]
{{- end -}}

{{- define "common.scheduling" -}}
{{- $scheduling := .x.root.Values.scheduling | default dict -}}
{{- with $scheduling.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $scheduling.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $scheduling.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $scheduling.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- if and (eq .role "server") (gt (int .x.root.Values.replicas) 1) }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "common.selector" . | nindent 8 }}
{{- end }}
{{- end -}}
