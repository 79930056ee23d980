{{- /*
Volumes: the contract's writable paths (kept ones as claims, others as emptyDir), the files of the wiring (one ConfigMap),
and further ones that the wiring adds (`volumes`, `mounts`).
*/ -}}

{{- define "common.claimspec" -}}
{{- $own := get (.x.root.Values.volumes | default dict) .volume.name | default dict -}}
accessModes: [ReadWriteOnce]
volumeMode: Filesystem
{{- with $own.storageClass | default (dig "storage" "className" "" (.x.root.Values.global | default dict)) }}
storageClassName: {{ . }}
{{- end }}
resources:
  requests:
    storage: {{ $own.size | default .volume.size }}
{{- end -}}

{{- /*
Claims of a Deployment or CronJob; those of a StatefulSet come from its claim templates. They are in the wave of their pod: a storage class
that waits for the first consumer leaves an earlier claim pending, and Argo CD would wait for it before it makes the consumer.
*/ -}}
{{- define "common.volumeclaims" -}}
{{- $x := . -}}
{{- if ne $x.contract.workload.kind "StatefulSet" }}
{{- range $volume := $x.contract.writable }}
{{- if $volume.keep }}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  {{- include "common.metadata" (dict "x" $x "name" (printf "%s-%s" $x.name $volume.name) "offset" (include "common.workload.offset" $x | int) "annotations" (include "common.keep" $x | fromYaml)) | nindent 2 }}
spec:
  {{- include "common.claimspec" (dict "x" $x "volume" $volume) | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* apiVersion, kind and volumeMode are written out: the API server adds them, and Argo CD would see a difference. */ -}}
{{- define "common.claimtemplates" -}}
{{- $x := . -}}
{{- $kept := list -}}
{{- range $volume := $x.contract.writable }}
{{- if $volume.keep }}{{ $kept = append $kept $volume }}{{ end -}}
{{- end -}}
{{- if and $kept (eq $x.contract.workload.kind "StatefulSet") -}}
volumeClaimTemplates:
  {{- range $volume := $kept }}
  - apiVersion: v1
    kind: PersistentVolumeClaim
    metadata:
      name: {{ $volume.name }}
      annotations:
        {{- include "common.keep" $x | nindent 8 }}
      labels:
        app.kubernetes.io/name: {{ $x.name }}
        app.kubernetes.io/part-of: indigo-paas
    spec:
      {{- include "common.claimspec" (dict "x" $x "volume" $volume) | nindent 6 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{- define "common.mounts" -}}
{{- $x := .x -}}
{{- $job := .job -}}
{{- range $volume := $x.contract.writable }}
{{- if not (and $job $volume.keep) }}
- name: {{ $volume.name }}
  mountPath: {{ $volume.path }}
{{- end }}
{{- end }}
{{- if .files }}
{{- range $path, $file := $x.wiring.files }}
{{- if $file.single }}
- name: config
  mountPath: {{ $path }}
  subPath: {{ include "common.config.key" $path }}
  readOnly: true
{{- end }}
{{- end }}
{{- range $folder := include "common.config.folders" $x | fromJsonArray }}
- name: config-{{ $folder | sha256sum | trunc 6 }}
  mountPath: {{ $folder }}
  readOnly: true
{{- end }}
{{- end }}
{{- if .secretFiles }}
{{- range $folder, $files := $x.wiring.secretFiles }}
- name: secret-{{ $files.secret }}
  mountPath: {{ $folder }}
  readOnly: true
{{- end }}
{{- end }}
{{- include "common.trust.mount" $x }}
{{- with $x.wiring.mounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "common.volumes" -}}
{{- $x := .x -}}
{{- $job := .job -}}
{{- $single := false -}}
{{- range $path, $file := $x.wiring.files }}{{ if $file.single }}{{ $single = true }}{{ end }}{{ end -}}
{{- range $volume := $x.contract.writable }}
{{- if not $volume.keep }}
- name: {{ $volume.name }}
  emptyDir:
    sizeLimit: {{ $volume.size }}
{{- else if and (not $job) (ne $x.contract.workload.kind "StatefulSet") }}
- name: {{ $volume.name }}
  persistentVolumeClaim:
    claimName: {{ $x.name }}-{{ $volume.name }}
{{- end }}
{{- end }}
{{- if .files }}
{{- if $single }}
- name: config
  configMap:
    name: {{ $x.name }}-config
{{- end }}
{{- range $folder := include "common.config.folders" $x | fromJsonArray }}
- name: config-{{ $folder | sha256sum | trunc 6 }}
  configMap:
    name: {{ $x.name }}-config
    items:
      {{- range $path, $file := $x.wiring.files }}
      {{- if and (not $file.single) (eq (dir $path) $folder) }}
      - key: {{ include "common.config.key" $path }}
        path: {{ base $path }}
        {{- with $file.mode }}
        mode: {{ . | int }}
        {{- end }}
      {{- end }}
      {{- end }}
{{- end }}
{{- end }}
{{- include "common.trust.volume" $x }}
{{- range $folder, $files := .secretFiles | ternary $x.wiring.secretFiles dict }}
- name: secret-{{ $files.secret }}
  secret:
    secretName: {{ include "common.secretname" (dict "root" $x.root "secret" $files.secret) }}
    defaultMode: {{ $files.mode | default 288 | int }}
    items:
      {{- range $key, $file := $files.items }}
      - key: {{ $key }}
        path: {{ $file }}
      {{- end }}
{{- end }}
{{- with $x.wiring.volumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
