{{- define "orchestrator-python-opa.wiring" -}}
{{- $options := dict
  "--addr" "0.0.0.0:8181"
  "--diagnostic-addr" "0.0.0.0:8282"
  "--authorization" "basic"
  "--skip-version-check" "true"
  "--log-format" "json"
  "--log-level" "error" -}}
args:
  - run
  - --server
  {{- range $name, $value := merge (include "common.settings.of" (dict "x" . "where" "command line") | fromJson) $options }}
  - {{ printf "%s=%s" $name $value | toJson }}
  {{- end }}
  - /policy/data.json
  - /policy/policy.rego
  - /policy/access.rego
files:
  /policy/data.json: {content: {{ include "orchestrator-python-opa.data" . | toJson }}}
  /policy/policy.rego: {content: {{ .root.Values.policy | default (include "orchestrator-python-opa.policy" .) | toJson }}}
  /policy/access.rego: {content: {{ include "orchestrator-python-opa.access" . | toJson }}}
errors: {{ include "orchestrator-python-opa.errors" . }}
{{- end -}}

{{- define "orchestrator-python-opa.data" -}}
{{- $issuers := list -}}
{{- range $entry := include "common.issuers" (dict "root" .root "own" .root.Values.issuers) | fromJsonArray -}}
{{- $issuers = append $issuers (dict "endpoint" $entry.issuer "claim" $entry.claim) -}}
{{- end -}}
{{- dict
  "admin_entitlements" (include "common.groups" (dict "root" .root "role" "admin" "own" .root.Values.adminGroups) | fromJsonArray)
  "trusted_issuers" $issuers
  "user_endpoints" .root.Values.userEndpoints | toPrettyJson -}}
{{- end -}}

{{- /* Who may call what: administrators everything, users of a trusted issuer what is listed. */ -}}
{{- define "orchestrator-python-opa.policy" -}}
package orchestrator

default allow := false

# the entry of the issuer that signed the token; there is none for strangers
issuer := entry if {
	some entry in data.trusted_issuers
	entry.endpoint == input.user_info.iss
}

default is_user := false

is_user if issuer

default is_admin := false

is_admin if {
	some group in input.user_info[issuer.claim]
	group in data.admin_entitlements
}

allow if is_admin

allow if {
	is_user
	some endpoint in data.user_endpoints
	endpoint.path == input.path
	endpoint.method == input.method
}
{{ end -}}

{{- /* Who may call OPA itself, and how: the decision, metrics, and health (orchestrator-python asks for data.health). */ -}}
{{- define "orchestrator-python-opa.access" -}}
package system.authz

default allow := false

allow if {
	input.method == "POST"
	input.path == ["v1", "data", "orchestrator"]
}

allow if {
	input.method == "GET"
	input.path in [["health"], ["metrics"], ["v1", "data", "health"]]
}
{{ end -}}

{{- /* What the site's values get wrong, as a JSON list. */ -}}
{{- define "orchestrator-python-opa.errors" -}}
{{- $site := .root.Values -}}
{{- $settings := $site.settings | default dict -}}
{{- $wrong := list -}}
{{- if and $site.policy (not (regexMatch "(?m)^package orchestrator\\s*$" $site.policy)) -}}
{{- $wrong = append $wrong "orchestrator-python-opa.policy: is not of the package that orchestrator-python asks; begin it with: package orchestrator" -}}
{{- end -}}
{{- if eq (get $settings "--log-level" | toString) "debug" -}}
{{- $wrong = append $wrong "orchestrator-python-opa.settings.--log-level: debug writes the claims of users into the log; write info or error" -}}
{{- end -}}
{{- if eq (get $settings "--authorization" | toString) "off" -}}
{{- $wrong = append $wrong "orchestrator-python-opa.settings.--authorization: off lets every caller replace the policy; remove it" -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}
