{{- define "im.wiring" -}}
{{- $site := .root.Values -}}
command: [sh, -c]
args:
  - {{ include "im.start" . | toJson }}
env:
  HOME: /tmp
  IM_DB_PASSWORD: {secret: im-db, key: password}
  IM_DATA_DB: mysql://im:$(IM_DB_PASSWORD)@{{ include "common.endpoint" (dict "root" .root "component" "mariadb" "port" "mysql") }}/im
  {{- if $site.introspection.scopes }}
  IM_OIDC_CLIENT_ID: {secret: im-oidc, key: client-id}
  IM_OIDC_CLIENT_SECRET: {secret: im-oidc, key: client-secret}
  {{- end }}
files:
  /indigo-paas/im/im.cfg: {content: {{ include "im.file" . | toJson }}}
  /indigo-paas/im/logging.conf: {content: {{ include "im.logging" . | toJson }}}
  {{- /* ssh wants to find its own number here; the image's names do not matter to anything else. */}}
  /etc/passwd:
    single: true
    content: |
      root:x:0:0:root:/root:/usr/sbin/nologin
      im:x:{{ .contract.image.uid }}:{{ .contract.image.gid }}:Infrastructure Manager:/tmp:/bin/sh
      nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
{{- if $site.sshKey }}
secretFiles:
  /tmp/.ssh: {secret: im-ssh, items: {id_rsa: id_rsa}, mode: 256}
{{- end }}
errors: {{ include "im.errors" . }}
{{- end -}}

{{- /*
The start: refuses a password that IM would cut in pieces, puts the file together (a client's secret has no other way into it),
and goes where the TOSCA cache can be written. The shell is replaced, so SIGTERM reaches IM.
*/ -}}
{{- define "im.start" -}}
set -eu
case "$IM_DB_PASSWORD" in
  *[!A-Za-z0-9._~-]*)
    echo "im: key password of Secret {{ include "common.secretname" (dict "root" .root "secret" "im-db") }} has characters that IM cuts it at; use letters, digits and . _ ~ - (indigo secrets apply makes one)"
    exit 1 ;;
esac
umask 077
cat /indigo-paas/im/im.cfg > /etc/im/im.cfg
cat /indigo-paas/im/logging.conf > /etc/im/logging.conf
{{- if .root.Values.introspection.scopes }}
printf 'OIDC_CLIENT_ID = %s\nOIDC_CLIENT_SECRET = %s\n' "$IM_OIDC_CLIENT_ID" "$IM_OIDC_CLIENT_SECRET" >> /etc/im/im.cfg
{{- end }}
cd /tmp
exec /usr/local/bin/im_service
{{ end -}}

{{- /* im.cfg; a percent sign begins a reference there, so it is doubled. */ -}}
{{- define "im.file" -}}
{{- $site := .root.Values -}}
{{- $file := dict
  "ACTIVATE_XMLRPC" "True"
  "XMLRCP_ADDRESS" "127.0.0.1"
  "OIDC_ISSUERS" (include "common.issuers.names" (dict "root" .root "own" $site.issuers) | fromJsonArray | join ",")
  "FORCE_OIDC_AUTH" "True"
  "VERIFI_SSL" "True"
  "MAX_SIMULTANEOUS_LAUNCHES" "5"
  "MAX_CONTEXTUALIZATION_TIME" "28800"
  "ANSIBLE_INSTALL_TIMEOUT" "900"
  "PLAYBOOK_RETRIES" "3"
  "VM_TAG_USERNAME" "IM_USER"
  "VM_TAG_INF_ID" "IM_INFRA_ID" -}}
{{- with $site.introspection.scopes -}}
{{- $_ := set $file "OIDC_SCOPES" (join "," .) -}}
{{- end -}}
[im]
{{- range $name, $value := merge (include "common.settings.of" (dict "x" . "where" "/etc/im/im.cfg") | fromJson) $file }}
{{ $name }} = {{ $value | replace "%" "%%" }}
{{- end }}
{{ end -}}

{{- define "im.logging" -}}
[loggers]
keys=root,InfrastructureManager,CloudConnector,ConfManager

[handlers]
keys=out

[formatters]
keys=line

[handler_out]
class=StreamHandler
level=NOTSET
formatter=line
args=(sys.stdout,)

[formatter_line]
format=%(asctime)s - %(name)s - %(levelname)s - %(message)s

[logger_root]
level=ERROR
handlers=out
{{- range $logger := list "InfrastructureManager" "CloudConnector" "ConfManager" }}

[logger_{{ $logger }}]
level={{ $.root.Values.logLevel }}
handlers=out
qualname={{ $logger }}
propagate=0
{{- end }}
{{ end -}}

{{- /* What the site's values get wrong, as a JSON list. */ -}}
{{- define "im.errors" -}}
{{- $site := .root.Values -}}
{{- $settings := $site.settings | default dict -}}
{{- $wrong := list -}}
{{- if eq (include "common.mode" (dict "root" .root "component" "iam")) "off" -}}
{{- $wrong = append $wrong "global.components.iam.mode: is off, but only tokens of IAM are accepted; write embedded, or external with global.urls.iam" -}}
{{- end -}}
{{- if and $settings.VAULT_URL (not $settings.VAULT_PATH) -}}
{{- $wrong = append $wrong "im.settings.VAULT_PATH: is needed with VAULT_URL, or each call with a bare token ends in an error; write the path, for example #USER_SUB#" -}}
{{- end -}}
{{- if and $settings.VAULT_PATH (not $settings.VAULT_URL) -}}
{{- $wrong = append $wrong "im.settings.VAULT_PATH: has no effect without VAULT_URL; write both, or neither" -}}
{{- end -}}
{{- range $name := list "OIDC_ISSUERS" "PRIVATE_NET_MASKS" "OIDC_SCOPES" "OIDC_GROUPS" -}}
{{- with get $settings $name -}}
{{- if contains " " . -}}
{{- $wrong = append $wrong (printf "im.settings.%s: %q has blanks, which become part of the names; write commas only" $name .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $settings.OIDC_ISSUERS -}}
{{- $wrong = append $wrong "im.settings.OIDC_ISSUERS: would replace the platform's IAM; write further issuers into global.issuers, or into im.issuers for IM alone" -}}
{{- end -}}
{{- if and $settings.OIDC_SCOPES (not $site.introspection.scopes) -}}
{{- $wrong = append $wrong "im.settings.OIDC_SCOPES: is ignored without a client; write the scopes into im.introspection.scopes" -}}
{{- end -}}
{{- if gt (int ($settings.INF_CACHE_TIME | default 0)) 0 -}}
{{- $wrong = append $wrong "im.settings.INF_CACHE_TIME: is for several pods behind a sticky balancer; this chart runs one, so leave it" -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}
