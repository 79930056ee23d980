{{- /*
Rotation of Secrets. A pod does not notice a new value of a Secret, and Git does not hold it: `global.secretRevisions.<id>`
stands for it, and is an annotation on exactly the pods that read that Secret. A Job that reads it gets another name by it,
and runs again.
*/ -}}

{{- /* Annotations of a pod, as YAML: dict root, spec (its spec as text). */ -}}
{{- define "common.rotation" -}}
{{- if dig "secretRevisions" dict (.root.Values.global | default dict) -}}
{{- include "common.rotation.of" (dict "root" .root "read" (include "common.rotation.read" (.spec | fromYaml).spec | fromJsonArray)) -}}
{{- else -}}
{}
{{- end -}}
{{- end -}}

{{- /* Annotations of whatever reads some Secrets, as YAML: dict root, read (their names). */ -}}
{{- define "common.rotation.of" -}}
{{- $found := dict -}}
{{- range $id, $revision := dig "secretRevisions" dict (.root.Values.global | default dict) -}}
{{- if has (include "common.secretname" (dict "root" $.root "secret" $id)) $.read -}}
{{- $_ := set $found (printf "secret-revision/%s" $id) ($revision | toString) -}}
{{- end -}}
{{- end -}}
{{- $found | toYaml -}}
{{- end -}}

{{- /* Names of the Secrets that a pod reads, by variables or files, as a JSON list: argument is its spec. */ -}}
{{- define "common.rotation.read" -}}
{{- $names := list -}}
{{- range $container := concat (.initContainers | default list) .containers -}}
{{- range $container.env -}}
{{- $names = append $names (dig "valueFrom" "secretKeyRef" "name" "" .) -}}
{{- end -}}
{{- range $container.envFrom -}}
{{- $names = append $names (dig "secretRef" "name" "" .) -}}
{{- end -}}
{{- end -}}
{{- range .volumes -}}
{{- $names = append $names (dig "secret" "secretName" "" .) -}}
{{- range dig "projected" "sources" list . -}}
{{- $names = append $names (dig "secret" "name" "" .) -}}
{{- end -}}
{{- end -}}
{{- $names | uniq | toJson -}}
{{- end -}}
