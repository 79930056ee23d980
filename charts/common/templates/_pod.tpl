{{- /*
The pod template: dict x, role (server, run of a CronJob, or a job's name), env, container (the wiring, or a job's part of it: command,
args, and for a job files and resources), wait (init containers), probes (true for the server), annotations.
*/ -}}
{{- define "common.pod" -}}
{{- $x := .x -}}
{{- $job := hasKey ($x.contract.jobs | default dict) .role -}}
{{- $annotations := merge (dict) (.annotations | default dict) (ternary dict ($x.root.Values.podAnnotations | default dict) $job) -}}
{{- if and $x.wiring.files (or (not $job) .container.files) -}}
{{- $_ := set $annotations "checksum/config" (include "common.config.data" $x | sha256sum) -}}
{{- end -}}
{{- $spec := include "common.podspec" . -}}
{{- $annotations = merge $annotations (include "common.rotation" (dict "root" $x.root "spec" $spec) | fromYaml) -}}
metadata:
  labels:
    {{- include "common.selector" . | nindent 4 }}
    {{- include "common.origin.labels" $x | nindent 4 }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{ $spec | trim }}
{{- end -}}

{{- define "common.podspec" -}}
{{- $x := .x -}}
{{- $contract := $x.contract -}}
{{- $values := $x.root.Values -}}
{{- $global := $values.global | default dict -}}
{{- $job := hasKey ($contract.jobs | default dict) .role -}}
{{- $files := and $x.wiring.files (or (not $job) .container.files) }}
spec:
  serviceAccountName: {{ $x.name }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- if ne .role "server" }}
  restartPolicy: Never
  {{- end }}
  terminationGracePeriodSeconds: {{ $contract.workload.gracePeriod | int }}
  securityContext:
    {{- include "common.podsecurity" $contract | nindent 4 }}
  {{- with dig "images" "pullSecrets" list $global }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with include "common.scheduling" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with include "common.init" . | trim }}
  initContainers:
    {{- . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ $x.name }}
      image: {{ include "common.component.image" $x }}
      imagePullPolicy: {{ dig "images" "pullPolicy" "IfNotPresent" $global }}
      terminationMessagePolicy: FallbackToLogsOnError
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

{{- /* Init containers: what is waited for, then those of the wiring (for the server and runs), with the component's image. */ -}}
{{- define "common.init" -}}
{{- $x := .x -}}
{{- if .wait }}
{{- include "common.wait" $x }}
{{- end }}
{{- if not (hasKey ($x.contract.jobs | default dict) .role) }}
{{- range $name, $init := $x.wiring.init }}
- name: {{ $name }}
  image: {{ include "common.component.image" $x }}
  imagePullPolicy: {{ dig "images" "pullPolicy" "IfNotPresent" ($x.root.Values.global | default dict) }}
  terminationMessagePolicy: FallbackToLogsOnError
  command:
    {{- toYaml $init.command | nindent 4 }}
  {{- with $init.args }}
  args:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "common.env" (dict "x" $x "env" ($init.env | default dict)) | trim }}
  env:
    {{- . | nindent 4 }}
  {{- end }}
  resources:
    {{- toYaml ($init.resources | default $x.root.Values.resources) | nindent 4 }}
  {{- include "common.containersecurity" $x.contract | nindent 2 }}
  {{- with include "common.mounts" (dict "x" $x "job" false "files" $x.wiring.files) | trim }}
  volumeMounts:
    {{- . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Image of the component: the contract's, or what the site says instead. */ -}}
{{- define "common.component.image" -}}
{{- $own := .root.Values.image | default dict -}}
{{- $declared := .contract.image -}}
{{- $replaced := or $own.repository $own.tag -}}
{{- $source := dig "images" "source" "upstream" (.root.Values.global | default dict) -}}
{{- if and (eq $source "doubles") (not $replaced) (has .contract.component (include "common.index.doubles" .root | fromJsonArray)) -}}
indigo-paas.invalid/doubles/{{ .contract.component }}:{{ $declared.tag }}
{{- else -}}
{{- $digest := $own.digest | default (ternary "" $declared.digest (not (not $replaced))) | default "" -}}
{{- include "common.image" (dict "root" .root "repository" ($own.repository | default $declared.repository) "tag" ($own.tag | default $declared.tag) "digest" $digest) -}}
{{- end -}}
{{- end -}}

{{- define "common.podsecurity" -}}
runAsUser: {{ .image.uid | int }}
runAsGroup: {{ .image.gid | int }}
fsGroup: {{ .image.gid | int }}
fsGroupChangePolicy: OnRootMismatch
{{- if ne (int .image.uid) 0 }}
runAsNonRoot: true
{{- end }}
seccompProfile:
  type: RuntimeDefault
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
{{- with concat ($scheduling.tolerations | default list) (include "common.evicted" . | fromJsonArray) }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $scheduling.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "common.priority" .x }}
priorityClassName: {{ . }}
{{- end }}
{{- if and (eq .role "server") (gt (int (.x.root.Values.replicas | default 1)) 1) }}
topologySpreadConstraints:
  {{- include "common.spread" (include "common.selector" . | fromYaml) | trim | nindent 2 }}
{{- end }}
{{- end -}}

{{- /*
How long a server's pod stays on a node that does not answer, as tolerations in JSON; without a word of the site, the cluster's five
minutes. Not of what keeps a volume: its pod could start elsewhere no sooner, since the volume is still attached to the lost node.
*/ -}}
{{- define "common.evicted" -}}
{{- $tolerations := list -}}
{{- $seconds := dig "nodeFailure" "evictAfterSeconds" 300 (.x.root.Values.global | default dict) | int -}}
{{- $kept := false -}}
{{- range .x.contract.writable }}{{ if .keep }}{{ $kept = true }}{{ end }}{{ end -}}
{{- if and (eq .role "server") (ne $seconds 300) (not $kept) -}}
{{- range $key := list "node.kubernetes.io/not-ready" "node.kubernetes.io/unreachable" -}}
{{- $tolerations = append $tolerations (dict "key" $key "operator" "Exists" "effect" "NoExecute" "tolerationSeconds" $seconds) -}}
{{- end -}}
{{- end -}}
{{- $tolerations | toJson -}}
{{- end -}}

{{- /* PriorityClass of the pods: the component's own, or that of its tier; the classes are the cluster's, not ours to make. */ -}}
{{- define "common.priority" -}}
{{- (.root.Values.scheduling | default dict).priorityClassName | default (dig "priorities" .contract.tier "" (.root.Values.global | default dict)) -}}
{{- end -}}

{{- /* Spread over zones, then over nodes, of the pods with these labels. Soft: fewer nodes than pods must not stop a pod. */ -}}
{{- define "common.spread" -}}
{{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- toYaml $ | nindent 6 }}
{{- end }}
{{- end -}}
