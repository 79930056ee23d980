{{- /*
mlflow starts gunicorn as a child and does not pass SIGTERM on, so that uploads would be cut off when the pod is killed. The shell,
which is the first process, tells gunicorn itself, and waits for both.
*/ -}}
{{- define "mlflow.wiring" -}}
command: [sh, -c]
args:
  - |
    export GUNICORN_CMD_ARGS=--pid=/tmp/gunicorn.pid
    rm -f /tmp/gunicorn.pid
    mlflow server &
    server=$!
    trap 'kill -TERM "$(cat /tmp/gunicorn.pid 2>/dev/null || echo "$server")"' TERM
    while wait "$server"; code=$?; kill -0 "$server" 2>/dev/null; do :; done
    exit "$code"
env:
  MLFLOW_BACKEND_STORE_URI: sqlite:////mlflow/mlflow.db
  MLFLOW_SERVE_ARTIFACTS: "true"
  MLFLOW_ARTIFACTS_DESTINATION: /mlflow/artifacts
  MLFLOW_HOST: 0.0.0.0
  MLFLOW_PORT: "5000"
  MLFLOW_WORKERS: "2"
  MLFLOW_GUNICORN_OPTS: --worker-tmp-dir /tmp --timeout 120 --graceful-timeout 30
  HOME: /tmp
init:
  upgrade:
    command: [sh, -c]
    args:
      - {{ include "mlflow.upgrade" . | toJson }}
    env:
      HOME: /tmp
errors: {{ include "mlflow.errors" . }}
{{- end -}}

{{- /*
`mlflow db upgrade` does nothing where the schema is new, and fails where there is none. The copy is made while nothing writes;
there is one per version, so that a pod that starts often does not fill the volume.
*/ -}}
{{- define "mlflow.upgrade" -}}
set -eu
database=/mlflow/mlflow.db
known() { python3 -c 'import sqlite3, sys; sys.exit(not sqlite3.connect(sys.argv[1]).execute("SELECT 1 FROM sqlite_master WHERE name = ?", ["metrics"]).fetchone())' "$database"; }
if [ -s "$database" ] && known; then
  copy="$database.before-{{ .contract.upstream.version }}"
  if [ ! -e "$copy" ]; then
    cp "$database" "$copy.new"
    mv "$copy.new" "$copy"
  fi
  mlflow db upgrade "sqlite:///$database"
else
  echo "no database yet: the server makes it"
fi
{{ end -}}

{{- /* What the site's values get wrong, as a JSON list. */ -}}
{{- define "mlflow.errors" -}}
{{- $settings := .root.Values.settings | default dict -}}
{{- $wrong := list -}}
{{- if not .root.Values.image.repository -}}
{{- range $name, $form := dict "MLFLOW_BACKEND_STORE_URI" "^sqlite:////mlflow/" "MLFLOW_ARTIFACTS_DESTINATION" "^/mlflow/" "MLFLOW_REGISTRY_STORE_URI" "^sqlite:////mlflow/" -}}
{{- $value := get $settings $name | toString -}}
{{- if and $value (not (regexMatch $form $value)) -}}
{{- $wrong = append $wrong (printf "mlflow.settings.%s: %q needs a driver that the upstream image does not have, or is lost with the pod; write a place below /mlflow, or name an image with drivers in mlflow.image.repository" $name $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}
