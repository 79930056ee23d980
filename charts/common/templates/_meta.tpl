{{- /*
Names, labels and annotations. Selectors hold name and role only: nothing in them changes with a version (a Deployment's
selector cannot be changed in place).
*/ -}}

{{- /* metadata of an object: dict x, name, offset (within the component's waves), annotations, labels. */ -}}
{{- define "common.metadata" -}}
name: {{ .name }}
namespace: {{ .x.root.Release.Namespace }}
labels:
  app.kubernetes.io/name: {{ .x.name }}
  app.kubernetes.io/part-of: indigo-paas
  app.kubernetes.io/version: {{ .x.contract.upstream.version | quote }}
  app.kubernetes.io/managed-by: {{ .x.root.Release.Service }}
  indigo-paas/environment: {{ dig "environment" "none" (.x.root.Values.global | default dict) }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  argocd.argoproj.io/sync-wave: {{ add .x.index.wave (.offset | default 0) | quote }}
  {{- with .annotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
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
