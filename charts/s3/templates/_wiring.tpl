{{- define "s3.wiring" -}}
command: [sh, -c]
args:
  - |
    set -eu
    umask 077
    mkdir -p /data/buckets /data/metadata /data/users
    exec versitygw posix /data/buckets
env:
  ROOT_ACCESS_KEY_ID: {secret: s3-root, key: access-key}
  ROOT_SECRET_ACCESS_KEY: {secret: s3-root, key: secret-key}
  VGW_PORT: ":7070"
  VGW_HEALTH: /health
  VGW_IAM_DIR: /data/users
  VGW_META_SIDECAR: /data/metadata
jobs:
  provide:
    command: [sh, -c]
    args:
      - {{ include "s3.provide" . | toJson }}
    resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 128Mi}}
    env:
      ADMIN_ACCESS_KEY_ID: {secret: s3-root, key: access-key}
      ADMIN_SECRET_ACCESS_KEY: {secret: s3-root, key: secret-key}
      ADMIN_ENDPOINT_URL: http://{{ include "common.endpoint" (dict "root" .root "component" "s3" "port" "http") }}
      {{- range include "s3.buckets" . | fromJsonArray }}
      BUCKET_ACCESS_KEY_{{ .variable }}: {secret: {{ .secret }}, key: access-key}
      BUCKET_SECRET_KEY_{{ .variable }}: {secret: {{ .secret }}, key: secret-key}
      {{- end }}
errors: {{ include "s3.errors" . }}
{{- end -}}

{{- /* The buckets whose owners run here, each with the ending of its variables, as JSON. */ -}}
{{- define "s3.buckets" -}}
{{- $here := list -}}
{{- range $bucket := .index.buckets -}}
{{- if eq (include "common.mode" (dict "root" $.root "component" $bucket.owner)) "embedded" -}}
{{- $here = append $here (merge (dict "variable" ($bucket.name | upper | replace "-" "_")) $bucket) -}}
{{- end -}}
{{- end -}}
{{- $here | toJson -}}
{{- end -}}

{{- /* A user that is there gets its keys again, so that a changed Secret arrives; a bucket that is there keeps its objects. */ -}}
{{- define "s3.provide" -}}
set -eu
admin() { versitygw admin "$@"; }
until admin list-users >/tmp/users 2>/tmp/problem; do echo "provide waits for s3: $(cat /tmp/problem)"; sleep 2; done
bucket() {
  echo "bucket $1 for user $2"
  if grep -q "^$2 " /tmp/users; then
    admin update-user --access "$2" --secret "$3" >/dev/null
  else
    admin create-user --access "$2" --secret "$3" --role user >/dev/null
  fi
  admin list-users >/tmp/users
  if admin list-buckets | grep -q "^$1 "; then
    admin change-bucket-owner --bucket "$1" --owner "$2" >/dev/null
  else
    admin create-bucket --bucket "$1" --owner "$2" >/dev/null
  fi
}
{{- range include "s3.buckets" . | fromJsonArray }}
bucket {{ .name }} "$BUCKET_ACCESS_KEY_{{ .variable }}" "$BUCKET_SECRET_KEY_{{ .variable }}"
{{- end }}
echo "provide done"
{{ end -}}

{{- /* What the site's values get wrong, as a JSON list. */ -}}
{{- define "s3.errors" -}}
{{- $wrong := list -}}
{{- range $name, $folder := dict "VGW_META_SIDECAR" "/data/metadata" "VGW_IAM_DIR" "/data/users" -}}
{{- with get ($.root.Values.settings | default dict) $name -}}
{{- if or (eq . "/data") (hasPrefix "/data/buckets" .) (not (hasPrefix "/data/" .)) -}}
{{- $wrong = append $wrong (printf "s3.settings.%s: %s is lost with the pod, or would be a bucket; write a folder beside /data/buckets, or leave it at %s" $name . $folder) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if hasKey ($.root.Values.settings | default dict) "VGW_META_NONE" -}}
{{- $wrong = append $wrong "s3.settings.VGW_META_NONE: without metadata buckets have no owners, and every user reads everything; leave it out" -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}
