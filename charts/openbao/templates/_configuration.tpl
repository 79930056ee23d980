{{- /*
What OpenBao holds for the platform, as one list of requests {name, path, data, once}. The first start sends all of it
(self-init); the Job `configure` sends again what is not `once`, so that a change in Git reaches a server that runs.
JWT_ACCESSOR stands for the id that OpenBao gives the mount auth/jwt; whoever sends the request puts it in.
*/ -}}
{{- define "openbao.requests" -}}
{{- $policies := include "openbao.policies" . | fromYaml -}}
{{- $issuer := include "openbao.issuer" . -}}
{{- $requests := list
  (dict "name" "mount-userpass" "once" true "path" "sys/auth/userpass" "data" (dict "type" "userpass"))
  (dict "name" "policy-admin" "once" true "path" "sys/policies/acl/admin" "data" (dict "policy" $policies.admin))
  (dict "name" "user-admin" "once" true "path" "auth/userpass/users/admin" "data" (dict "password" "" "token_policies" (list "admin")))
  (dict "name" "mount-secret" "once" true "path" "sys/mounts/secret" "data" (dict "type" "kv" "options" (dict "version" "1")))
  (dict "name" "mount-secrets" "once" true "path" "sys/mounts/secrets" "data" (dict "type" "kv" "options" (dict "version" "2")))
  (dict "name" "mount-jwt" "once" true "path" "sys/auth/jwt" "data" (dict "type" "jwt"))
  (dict "name" "jwt-config" "path" "auth/jwt/config" "data" (dict
    "oidc_discovery_url" $issuer "bound_issuer" $issuer "skip_jwks_validation" true)) -}}
{{- range $name, $text := omit $policies "admin" -}}
{{- $requests = append $requests (dict "name" (printf "policy-%s" $name) "path" (printf "sys/policies/acl/%s" $name) "data" (dict "policy" $text)) -}}
{{- end -}}
{{- range $role := list "orchestrator" "dashboard" -}}
{{- $requests = append $requests (dict "name" (printf "role-%s" $role) "path" (printf "auth/jwt/role/%s" $role) "data" (dict
  "role_type" "jwt" "user_claim" "sub" "bound_audiences" (list (include "common.audience" (dict "root" $.root "component" $role))) "token_policies" (list $role)
  "token_ttl" "1h" "token_max_ttl" "12h")) -}}
{{- end -}}
{{- $requests | toJson -}}
{{- end -}}

{{- /* The iss of the tokens: IAM ends it with a slash, and OpenBao compares it letter by letter. */ -}}
{{- define "openbao.issuer" -}}
{{- .root.Values.issuer | default (printf "%s/" (include "common.publicurl" (dict "root" .root "component" "iam"))) -}}
{{- end -}}

{{- /*
Policies, as a map from name to text. A user reaches only what is below his own entity (mount secret) or his own sub (mount
secrets). Upstream's policy of the Dashboard lets its users make tokens of every policy; here it is the three that it asks for.
*/ -}}
{{- define "openbao.policies" -}}
{{- $entity := "secret/data/{{identity.entity.id}}/*" -}}
{{- $data := "secrets/data/{{identity.entity.aliases.JWT_ACCESSOR.name}}/*" -}}
{{- $metadata := "secrets/metadata/{{identity.entity.aliases.JWT_ACCESSOR.name}}/*" -}}
admin: |
  path "*" { capabilities = ["create", "read", "update", "patch", "delete", "list", "scan", "sudo"] }
orchestrator: |
  path "{{ $entity }}" { capabilities = ["read"] }
  path "{{ $data }}" { capabilities = ["read"] }
dashboard: |
  path "{{ $entity }}" { capabilities = ["create", "read", "update", "delete"] }
  path "{{ $data }}" { capabilities = ["read"] }
  path "secrets/metadata" { capabilities = ["list"] }
  path "auth/token/create" {
    capabilities = ["create", "update", "sudo"]
    allowed_parameters = {
      "policies" = [["read_only"], ["write_only"], ["delete_only"]]
      "*" = []
    }
  }
read_only: |
  path "{{ $data }}" { capabilities = ["read"] }
write_only: |
  path "{{ $data }}" { capabilities = ["create"] }
delete_only: |
  path "{{ $metadata }}" { capabilities = ["delete"] }
{{- end -}}

{{- /* self-init.json: all requests in order; the accessor is read after the mount, the password comes from a variable. */ -}}
{{- define "openbao.selfinit" -}}
{{- $requests := list -}}
{{- range $request := include "openbao.requests" . | fromJsonArray -}}
{{- $data := $request.data -}}
{{- if eq $request.name "user-admin" -}}
{{- $_ := set $data "password" (dict "eval_type" "string" "eval_source" "env" "env_var" "OPENBAO_ADMIN_PASSWORD" "require_present" true) -}}
{{- end -}}
{{- if contains "JWT_ACCESSOR" ($data.policy | default "" | toString) -}}
{{- $template := printf `{{ replace "JWT_ACCESSOR" (index .responses "platform" "read-jwt" "data" "accessor") .policy }}` -}}
{{- $_ := set $data "policy" (dict "eval_type" "string" "eval_source" "template" "template" $template "data" (dict "policy" $data.policy)) -}}
{{- end -}}
{{- $requests = append $requests (dict $request.name (dict "operation" "update" "path" $request.path "data" $data)) -}}
{{- if eq $request.name "mount-jwt" -}}
{{- $requests = append $requests (dict "read-jwt" (dict "operation" "read" "path" "sys/auth/jwt")) -}}
{{- end -}}
{{- end -}}
{{- dict "initialize" (list (dict "platform" (dict "request" $requests))) | toPrettyJson -}}
{{- end -}}

{{- /* The Job's script: logs in as the administrator and sends what may change. Passwords and tokens are in no command line. */ -}}
{{- define "openbao.configure" -}}
set -eu
until bao status >/dev/null 2>&1; do echo "configure waits for openbao at $BAO_ADDR to be unsealed"; sleep 2; done
if ! BAO_TOKEN=$(printf %s "$OPENBAO_ADMIN_PASSWORD" | bao write -field=token auth/userpass/login/admin password=-); then
  echo "configure cannot log in: the Secret openbao-admin does not hold the password of the user admin. See charts/openbao/README.md"
  exit 1
fi
export BAO_TOKEN
accessor=$(bao read -field=accessor sys/auth/jwt)
send() {
  echo "configure $1"
  sed "s/JWT_ACCESSOR/$accessor/g" "/openbao/requests/$2.json" | bao write "$1" - >/dev/null
}
{{- range include "openbao.requests" . | fromJsonArray }}
{{- if not .once }}
send {{ .path }} {{ .name }}
{{- end }}
{{- end }}
bao token revoke -self >/dev/null
echo "configure done"
{{ end -}}
