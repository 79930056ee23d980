{{- /*
Names, labels and annotations. Selectors hold name and role only: nothing in them changes with a version (a Deployment's
selector cannot be changed in place).
*/ -}}

{{- /* metadata of an object: dict x, name, offset (within the component's waves), labels, annotations. */ -}}
{{- define "common.metadata" -}}
name: {{ .name }}
namespace: {{ .x.root.Release.Namespace }}
labels:
  app.kubernetes.io/name: {{ .x.name }}
  {{- include "common.origin.labels" .x | nindent 2 }}
  app.kubernetes.io/managed-by: {{ .x.root.Release.Service }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  argocd.argoproj.io/sync-wave: {{ add .x.index.wave (.offset | default 0) | quote }}
  indigo-paas/source: charts/{{ .x.contract.component }}
  {{- with .annotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- /*
What an object and its pods say of their origin besides the component. The Git revision is not among it: every object would
change with every commit; the Application that tracks the object has it (docs/adr/0008-traceability.md).
*/ -}}
{{- define "common.origin.labels" -}}
app.kubernetes.io/part-of: indigo-paas
app.kubernetes.io/version: {{ .contract.upstream.version | quote }}
indigo-paas/environment: {{ dig "environment" "none" (.root.Values.global | default dict) }}
{{- end -}}

{{- /* Labels that select pods: dict x, role. */ -}}
{{- define "common.selector" -}}
app.kubernetes.io/name: {{ .x.name }}
indigo-paas/role: {{ .role }}
{{- end -}}

{{- /*
Annotations that keep data when Argo CD or Helm removes what used it. Prune and Delete are two different things; without
IgnoreExtraneous the Application would be OutOfSync as long as a component is switched off.
*/ -}}
{{- define "common.keep" -}}
argocd.argoproj.io/compare-options: IgnoreExtraneous
argocd.argoproj.io/sync-options: Prune=false,Delete=false
helm.sh/resource-policy: keep
{{- end -}}
