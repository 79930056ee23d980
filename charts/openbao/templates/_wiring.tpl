{{- /*
The image's entrypoint script is not used: it wants to write into its configuration folder, which is read-only here. bao is the
first process, so SIGTERM reaches it: a leader hands over before it ends.

The seal key and the administrator's password are variables and not files, so that the Job does not get the seal key, too.
*/ -}}
{{- define "openbao.wiring" -}}
{{- $site := .root.Values -}}
{{- $seal := $site.seal -}}
command: [sh, -c]
args:
  - {{ include "openbao.start" . | toJson }}
env:
  POD_NAME: {field: metadata.name}
  BAO_RAFT_NODE_ID: $(POD_NAME)
  BAO_API_ADDR: {{ include "openbao.peer" "$(POD_NAME)" }}
  BAO_CLUSTER_ADDR: https://$(POD_NAME).openbao-peers:8201
  OPENBAO_SEAL_KEY: {secret: openbao-seal, key: key}
  {{- if $seal.previousKeyId }}
  OPENBAO_PREVIOUS_SEAL_KEY: {secret: openbao-seal-previous, key: key}
  {{- end }}
  OPENBAO_ADMIN_PASSWORD: {secret: openbao-admin, key: password}
  BAO_LOG_FORMAT: json
  HOME: /tmp
  {{- if $site.trustedCa.configMap }}
  SSL_CERT_FILE: /etc/indigo-paas/ca/ca-bundle.crt
  {{- end }}
files:
  /openbao/config/server.json:
    content: {{ include "openbao.server" . | toJson }}
  /openbao/init/self-init.json:
    content: {{ include "openbao.selfinit" . | toJson }}
  {{- range include "openbao.requests" . | fromJsonArray }}
  {{- if not .once }}
  /openbao/requests/{{ .name }}.json:
    content: {{ .data | toPrettyJson | toJson }}
  {{- end }}
  {{- end }}
{{- if $site.trustedCa.configMap }}
volumes:
  - name: trusted-ca
    configMap:
      name: {{ $site.trustedCa.configMap }}
      items:
        - {key: ca-bundle.crt, path: ca-bundle.crt}
mounts:
  - {name: trusted-ca, mountPath: /etc/indigo-paas/ca, readOnly: true}
{{- end }}
jobs:
  configure:
    command: [sh, -c]
    args:
      - {{ include "openbao.configure" . | toJson }}
    files: true
    env:
      BAO_ADDR: http://{{ include "common.endpoint" (dict "root" .root "component" "openbao" "port" "http") }}
      OPENBAO_ADMIN_PASSWORD: {secret: openbao-admin, key: password}
      HOME: /tmp
    resources: {requests: {cpu: 50m, memory: 128Mi}, limits: {memory: 256Mi}}
errors: {{ include "openbao.errors" . }}
{{- end -}}

{{- /* API address of one pod, by its name. The headless Service openbao-peers gives pods their names. */ -}}
{{- define "openbao.peer" -}}
http://{{ . }}.openbao-peers:8200
{{- end -}}

{{- /*
Only pod 0 may initialise, and only where no other pod knows the cluster: pod 0 that lost its volume must join the others and not
found a second cluster. OpenBao itself skips the file once its storage is initialised.
*/ -}}
{{- define "openbao.start" -}}
set -eu
found=no
if [ "${POD_NAME##*-}" = 0 ]; then
  found=yes
  for other in 1 2 3 4; do
    if BAO_MAX_RETRIES=0 BAO_CLIENT_TIMEOUT=3s bao status -format=json -address={{ include "openbao.peer" "openbao-$other" }} 2>/dev/null | grep -q '"initialized": true'; then
      echo "openbao-$other belongs to a cluster already: this pod joins it, or goes on in it"
      found=no
    fi
  done
fi
if [ "$found" = yes ]; then
  exec bao server -config=/openbao/config/server.json -config=/openbao/init/self-init.json
fi
exec bao server -config=/openbao/config/server.json
{{ end -}}

{{- /*
server.json. Pods to join are always all that there can be: another number of replicas then does not restart the ones that run.
Metrics have a listener of their own that serves nothing else: the port of the API is reached from outside.
*/ -}}
{{- define "openbao.server" -}}
{{- $seal := .root.Values.seal -}}
{{- $join := list -}}
{{- range $number := until 5 -}}
{{- $join = append $join (dict "leader_api_addr" (include "openbao.peer" (printf "openbao-%d" $number))) -}}
{{- end -}}
{{- $raft := dict "path" "/openbao/data" "performance_multiplier" "2" "retry_join" $join -}}
{{- $static := dict "current_key_id" $seal.keyId "current_key" "env://OPENBAO_SEAL_KEY" -}}
{{- if $seal.previousKeyId -}}
{{- $static = merge $static (dict "previous_key_id" $seal.previousKeyId "previous_key" "env://OPENBAO_PREVIOUS_SEAL_KEY") -}}
{{- end -}}
{{- $server := dict
  "ui" "false"
  "listener" (list
    (dict "tcp" (dict "address" "0.0.0.0:8200" "tls_disable" true "telemetry" (dict "disallow_metrics" true)))
    (dict "tcp" (dict "address" "0.0.0.0:9101" "tls_disable" true "telemetry" (dict "metrics_only" true "unauthenticated_metrics_access" true))))
  "telemetry" (dict "prometheus_retention_time" "24h" "disable_hostname" true)
  "storage" (dict "raft" $raft)
  "seal" (dict "static" $static) -}}
{{- if .root.Values.audit -}}
{{- $_ := set $server "audit" (list (dict "file" (dict "stdout" (dict "description" "Every request, secrets as HMAC." "options" (dict "file_path" "stdout"))))) -}}
{{- end -}}
{{- range $name, $value := include "common.settings.of" (dict "x" . "where" "/openbao/config/server.json") | fromJson -}}
{{- if hasPrefix "storage.raft." $name -}}
{{- $_ := set $raft (trimPrefix "storage.raft." $name) $value -}}
{{- else if hasPrefix "listener.tcp." $name -}}
{{- $_ := set (first $server.listener).tcp (trimPrefix "listener.tcp." $name) $value -}}
{{- else if hasPrefix "telemetry." $name -}}
{{- $_ := set $server.telemetry (trimPrefix "telemetry." $name) $value -}}
{{- else -}}
{{- $_ := set $server $name $value -}}
{{- end -}}
{{- end -}}
{{- $server | toPrettyJson -}}
{{- end -}}

{{- /* What the site's values get wrong, as a JSON list. */ -}}
{{- define "openbao.errors" -}}
{{- $site := .root.Values -}}
{{- $wrong := list -}}
{{- if eq (mod (int $site.replicas) 2) 0 -}}
{{- $wrong = append $wrong (printf "openbao.replicas: %d pods survive no more failures than %d; write 1, 3 or 5" (int $site.replicas) (sub (int $site.replicas) 1)) -}}
{{- end -}}
{{- if and (eq (include "common.mode" (dict "root" .root "component" "iam")) "off") (not $site.issuer) -}}
{{- $wrong = append $wrong "openbao.issuer: is empty and global.components.iam.mode is off, so there is no issuer whose tokens could log in; write the iss of the tokens" -}}
{{- else if not (regexMatch "^https?://\\S+$" (include "openbao.issuer" .)) -}}
{{- $wrong = append $wrong (printf "openbao.issuer: %q is no issuer; write the iss of the tokens, letter by letter, for example https://iam.example.org/" (include "openbao.issuer" .)) -}}
{{- end -}}
{{- if eq $site.seal.keyId $site.seal.previousKeyId -}}
{{- $wrong = append $wrong "openbao.seal.previousKeyId: is the same as keyId; a new key needs a new id" -}}
{{- end -}}
{{- $options := dict
  "audit" "openbao.audit" "storage.raft.path" "openbao.volumes.data"
  "storage.raft.retry_join" "openbao.replicas" "seal.static.current_key_id" "openbao.seal" "seal.static.current_key" "openbao.seal"
  "seal.static.previous_key_id" "openbao.seal" "seal.static.previous_key" "openbao.seal" -}}
{{- range $name, $value := $site.settings -}}
{{- with get $options $name -}}
{{- $wrong = append $wrong (printf "openbao.settings.%s: is made by the chart from %s; write it there" $name .) -}}
{{- end -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}
