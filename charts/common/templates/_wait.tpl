{{- /*
Init containers that wait for what the component needs hard, one per requirement, so that `kubectl get pods` shows which
one is missing. The time is limited: the pod then fails with a message, instead of hanging for ever without a word.
*/ -}}
{{- define "common.wait" -}}
{{- $x := . -}}
{{- range $edge := $x.contract.requires }}
{{- if eq $edge.need "hard" }}
{{- $peer := dict "root" $x.root "component" $edge.component "port" $edge.port }}
{{- $needed := include "common.instance" $peer }}
- name: wait-for-{{ $needed }}
  image: {{ include "common.image.shared" (dict "root" $x.root "image" "wait") }}
  imagePullPolicy: {{ include "common.pullpolicy" $x.root }}
  terminationMessagePolicy: FallbackToLogsOnError
  command: [sh, -c]
  args:
    - |
      limit=$(( $(date +%s) + 300 ))
      until {{ include "common.wait.test" (dict "peer" $peer "edge" $edge) }}; do
        if [ "$(date +%s)" -ge "$limit" ]; then
          echo "{{ $x.name }} gave up after 300 s: {{ $needed }} does not answer at {{ include "common.wait.target" (dict "peer" $peer "edge" $edge) }}. Look at: kubectl -n {{ $x.root.Release.Namespace }} get pods -l {{ range $key, $value := include "common.pods" $peer | fromJson }}{{ $key }}={{ $value }}{{ end }}"
          exit 1
        fi
        echo "{{ $x.name }} waits for {{ $needed }} at {{ include "common.wait.target" (dict "peer" $peer "edge" $edge) }}"
        sleep 2
      done
  resources:
    requests: {cpu: 10m, memory: 16Mi}
    limits: {memory: 32Mi}
  securityContext:
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    runAsNonRoot: true
    runAsUser: 65534
    runAsGroup: 65534
    capabilities:
      drop: [ALL]
{{- end }}
{{- end }}
{{- end -}}

{{- define "common.wait.test" -}}
{{- if .edge.path -}}
timeout 5 wget -q -O /dev/null "{{ include "common.wait.target" . }}" 2>/dev/null
{{- else -}}
nc -w 2 {{ include "common.host" .peer }} {{ include "common.port" .peer }} </dev/null >/dev/null 2>&1
{{- end -}}
{{- end -}}

{{- define "common.wait.target" -}}
{{- if .edge.path -}}
{{ include "common.insideurl" .peer }}{{ .edge.path }}
{{- else -}}
{{ include "common.endpoint" .peer }}
{{- end -}}
{{- end -}}
