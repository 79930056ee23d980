{{- /*
Files that the software reads: `files` of the wiring, a map from the path in the container to
  content: the text (never a secret: Secrets are environment variables or mounts of their own)
  single:  true to mount only this file and leave the rest of its folder as the image has it
  mode:    file mode as a decimal number
All files of a component are one ConfigMap; a checksum in the pod template rolls exactly the pods that read it.
*/ -}}
{{- define "common.config" -}}
{{- if .wiring.files }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "common.metadata" (dict "x" . "name" (printf "%s-config" .name)) | nindent 2 }}
data:
  {{- include "common.config.data" . | trim | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "common.config.data" -}}
{{- range $path, $file := .wiring.files }}
{{ include "common.config.key" $path }}: {{ $file.content | toJson }}
{{- end }}
{{- end -}}

{{- /* Key of a file in the ConfigMap: its path with dots. */ -}}
{{- define "common.config.key" -}}
{{- . | trimPrefix "/" | replace "/" "." -}}
{{- end -}}

{{- /* Folders that are mounted as a whole, as a JSON list. */ -}}
{{- define "common.config.folders" -}}
{{- $folders := list -}}
{{- range $path, $file := .wiring.files -}}
{{- if not $file.single }}{{ $folders = append $folders (dir $path) }}{{ end -}}
{{- end -}}
{{- $folders | uniq | sortAlpha | toJson -}}
{{- end -}}
