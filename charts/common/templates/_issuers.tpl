{{- /*
Whose tokens are believed, and which groups have which role: global.issuers and global.groups, for the components whose contract says
that their software can be told (`issuers`, `roles`). A component's own value takes the place of the platform's, also an empty one;
null, the default, is none of its own.
*/ -}}

{{- /* iss of the tokens of the platform's IAM: its public URL with a slash, letter by letter. */ -}}
{{- define "common.issuer" -}}
{{- include "common.publicurl" (dict "root" .root "component" "iam") }}/
{{- end -}}

{{- /*
Issuers that are believed, IAM first, as a JSON list of {issuer, claim}: dict root, own (null, or a list of texts or of {endpoint,
claim}), claim (that of those that name none; groups, as IAM has them).
*/ -}}
{{- define "common.issuers" -}}
{{- $usual := .claim | default "groups" -}}
{{- $further := kindIs "slice" .own | ternary .own (dig "issuers" list (.root.Values.global | default dict)) -}}
{{- $found := list -}}
{{- range $entry := prepend $further (include "common.issuer" .) -}}
{{- if kindIs "string" $entry }}{{ $entry = dict "issuer" $entry }}{{ end -}}
{{- $found = append $found (dict "issuer" ($entry.issuer | default $entry.endpoint) "claim" ($entry.claim | default $usual)) -}}
{{- end -}}
{{- $found | uniq | toJson -}}
{{- end -}}

{{- /* The same as a JSON list of their names. */ -}}
{{- define "common.issuers.names" -}}
{{- $names := list -}}
{{- range $entry := include "common.issuers" . | fromJsonArray }}{{ $names = append $names $entry.issuer }}{{ end -}}
{{- $names | uniq | toJson -}}
{{- end -}}

{{- /*
What is wrong with global.issuers, as a JSON list: x. Software compares iss letter by letter or without the slash at its end, so one
that is there twice but for the slash is a mistake in either.
*/ -}}
{{- define "common.issuers.errors" -}}
{{- $x := . -}}
{{- $wrong := list -}}
{{- if dig "setting" "" ($x.contract.issuers | default dict) -}}
{{- $known := dict -}}
{{- range $entry := include "common.issuers" (dict "root" $x.root "own" nil) | fromJsonArray -}}
{{- $name := trimSuffix "/" $entry.issuer -}}
{{- with get $known $name -}}
{{- $wrong = append $wrong (printf "global.issuers: %s and %s are one issuer, and only one of them is the iss of its tokens; remove the other" . $entry.issuer) -}}
{{- end -}}
{{- $_ := set $known $name $entry.issuer -}}
{{- end -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}

{{- /* Groups that have a role, as JSON: dict root, role, own (null, or a list). */ -}}
{{- define "common.groups" -}}
{{- kindIs "slice" .own | ternary .own (dig "groups" .role list (.root.Values.global | default dict)) | toJson -}}
{{- end -}}
