{{- define "federation-manager-opa.wiring" -}}
{{- $arguments := dict "addr" "0.0.0.0:8181" "diagnostic-addr" "0.0.0.0:8282" "authorization" "basic" "disable-telemetry" "true" "log-format" "json" "log-level" "info" -}}
args:
  - run
  - --server
  {{- range $name, $value := merge (dict) (include "common.settings.of" (dict "x" . "where" "arguments") | fromJson) $arguments }}
  - --{{ $name }}={{ $value }}
  {{- end }}
  - /policy/data.json
  - /policy/policy.rego
  - /policy/authz.rego
files:
  /policy/data.json:
    content: {{ include "federation-manager-opa.data" . | toJson }}
  /policy/policy.rego:
    content: {{ .root.Values.policy | default (include "federation-manager-opa.policy" .) | toJson }}
  /policy/authz.rego:
    content: {{ include "federation-manager-opa.authz" . | toJson }}
errors: {{ include "federation-manager-opa.errors" . }}
{{- end -}}

{{- /* data.json: who is believed, which groups have a role, what a role may call. */ -}}
{{- define "federation-manager-opa.data" -}}
{{- $site := .root.Values -}}
{{- $issuers := list -}}
{{- range $entry := include "common.issuers" (dict "root" .root "own" $site.furtherIssuers "claim" $site.claim) | fromJsonArray -}}
{{- $issuers = append $issuers (dict "endpoint" $entry.issuer "claim" $entry.claim) -}}
{{- end -}}
{{- $roles := dict -}}
{{- range $role, $_ := .contract.roles -}}
{{- $_ := set $roles $role (include "common.groups" (dict "root" $.root "role" $role "own" (get $site.roles $role)) | fromJsonArray) -}}
{{- end -}}
{{- dict "trusted_issuers" $issuers "roles" $roles "permissions" $site.permissions | toPrettyJson -}}
{{- end -}}

{{- define "federation-manager-opa.policy" -}}
# Which requests the Federation-Manager lets through. It sends the claims of the user, method and path.
package fed_mgr

default allow := false

# Groups count only if they come from an issuer that is trusted, in the claim that it uses.
groups contains group if {
	some issuer in data.trusted_issuers
	issuer.endpoint == input.user_info.iss
	some group in input.user_info[issuer.claim]
}

roles contains role if {
	some role, entitled in data.roles
	some group in entitled
	group in groups
}

allow if "admin" in roles

allow if {
	some role in roles
	some permission in data.permissions[role]
	permission.method == input.method
	glob.match(permission.path, ["/"], input.path)
}
{{ end -}}

{{- define "federation-manager-opa.authz" -}}
# What may be asked of OPA itself: decisions, health and metrics. Nobody may write policies or data.
package system.authz

default allow := false

allow if {
	input.method == "GET"
	input.path[0] in {"health", "metrics"}
}

allow if {
	input.method in {"GET", "POST"}
	array.slice(input.path, 0, 2) == ["v1", "data"]
	input.path[2] in {"fed_mgr", "health"}
}
{{ end -}}

{{- /* What the site's values get wrong, as a JSON list. */ -}}
{{- define "federation-manager-opa.errors" -}}
{{- $site := .root.Values -}}
{{- $wrong := list -}}
{{- range $role := keys $site.permissions | sortAlpha -}}
{{- if not (hasKey $.contract.roles $role) -}}
{{- $wrong = append $wrong (printf "federation-manager-opa.permissions.%s: there is no such role; write one of %s" $role (keys $.contract.roles | sortAlpha | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- if and $site.policy (not (regexMatch "(?m)^package fed_mgr\\s*$" $site.policy)) -}}
{{- $wrong = append $wrong "federation-manager-opa.policy: the Federation-Manager asks for the package fed_mgr; write it in the first line" -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}
