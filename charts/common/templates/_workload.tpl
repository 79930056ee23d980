{{- /* The Deployment, StatefulSet or CronJob of a component. */ -}}
{{- define "common.workload" -}}
{{- if eq .contract.workload.kind "CronJob" }}
{{- include "common.cronjob" . }}
{{- else }}
{{- include "common.serving" . }}
{{- end }}
{{- end -}}

{{- define "common.serving" -}}
{{- $x := . -}}
{{- $contract := $x.contract -}}
{{- $values := $x.root.Values -}}
---
apiVersion: apps/v1
kind: {{ $contract.workload.kind }}
metadata:
  {{- include "common.metadata" (dict "x" $x "name" $x.name "offset" (include "common.workload.offset" $x | int)) | nindent 2 }}
spec:
  replicas: {{ $values.replicas | int }}
  revisionHistoryLimit: 3
  {{- with $contract.workload.minReady }}
  minReadySeconds: {{ . | int }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "common.selector" (dict "x" $x "role" "server") | nindent 6 }}
  {{- if eq $contract.workload.kind "StatefulSet" }}
  serviceName: {{ include "common.service.governing" $x }}
  podManagementPolicy: {{ ternary "Parallel" "OrderedReady" ($contract.peers | default false) }}
  updateStrategy:
    type: RollingUpdate
  persistentVolumeClaimRetentionPolicy:
    whenDeleted: Retain
    whenScaled: Retain
  {{- else }}
  progressDeadlineSeconds: 900
  strategy:
    type: {{ $contract.workload.strategy }}
    {{- if eq $contract.workload.strategy "RollingUpdate" }}
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
    {{- end }}
  {{- end }}
  template:
    {{- include "common.pod" (dict "x" $x "role" "server" "env" $x.env "container" $x.wiring "wait" true "probes" true) | nindent 4 }}
  {{- with include "common.claimtemplates" $x }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- /*
A CronJob: runs never overlap, and a failed one must not keep a sync from ending (Argo CD 3.2 and later take its health into
account); alerts tell of it.
*/ -}}
{{- define "common.cronjob" -}}
{{- $x := . -}}
{{- $annotations := dict "argocd.argoproj.io/ignore-healthcheck" "true" -}}
---
apiVersion: batch/v1
kind: CronJob
metadata:
  {{- include "common.metadata" (dict "x" $x "name" $x.name "offset" (include "common.workload.offset" $x | int) "annotations" $annotations) | nindent 2 }}
spec:
  schedule: {{ $x.root.Values.schedule | quote }}
  suspend: {{ $x.root.Values.suspend }}
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 300
  successfulJobsHistoryLimit: 3
  failedJobsHistoryLimit: 3
  jobTemplate:
    spec:
      backoffLimit: 1
      activeDeadlineSeconds: {{ dig "workload" "deadline" 3600 $x.contract | int }}
      template:
        {{- include "common.pod" (dict "x" $x "role" "run" "env" $x.env "container" $x.wiring "wait" true "probes" false) | nindent 8 }}
{{- end -}}

{{- /* A workload comes after its own `prepare` jobs. */ -}}
{{- define "common.workload.offset" -}}
{{- $offset := 0 -}}
{{- range $job := .contract.jobs -}}
{{- if eq $job.when "prepare" }}{{ $offset = 2 }}{{ end -}}
{{- end -}}
{{- $offset -}}
{{- end -}}

{{- /* Jobs. Their names hold a hash of what they run: a Job cannot be changed in place, a new input makes a new Job. */ -}}
{{- define "common.jobs" -}}
{{- $x := . -}}
{{- range $job, $declared := $x.contract.jobs }}
{{- $wired := get ($x.wiring.jobs | default dict) $job -}}
{{- if not $wired -}}
{{- fail (printf "%s: the contract has a job %q that templates/_wiring.tpl does not wire" $x.name $job) -}}
{{- end -}}
{{- $env := $wired.env | default $x.env -}}
{{- $annotations := dig "jobs" $job "podAnnotations" dict ($x.root.Values | toYaml | fromYaml) -}}
{{- $pod := include "common.pod" (dict "x" $x "role" $job "env" $env "container" $wired "wait" (eq $declared.when "prepare") "probes" false "annotations" $annotations) }}
---
apiVersion: batch/v1
kind: Job
metadata:
  {{- include "common.metadata" (dict "x" $x "name" (printf "%s-%s-%s" $x.name $job ($pod | sha256sum | trunc 8)) "offset" (eq $declared.when "prepare" | ternary 1 3)) | nindent 2 }}
spec:
  backoffLimit: {{ dig "retries" 6 $declared | int }}
  activeDeadlineSeconds: {{ dig "deadline" 600 $declared | int }}
  template:
    {{- $pod | nindent 4 }}
{{- end }}
{{- end -}}
