{{- /*
What a component may know of the platform around it. All take dict "root" and "component"; a consumer never asks in which
mode another component runs, it asks for its host, port or URL.
*/ -}}

{{- /* The entry of a component in global.components, as JSON. */ -}}
{{- define "common.entry" -}}
{{- dig "components" .component dict (.root.Values.global | default dict) | toJson -}}
{{- end -}}

{{- /* embedded, external or off. */ -}}
{{- define "common.mode" -}}
{{- (include "common.entry" . | fromJson).mode | default "embedded" -}}
{{- end -}}

{{- /* Host name that the component's ports are reached under, without port. */ -}}
{{- define "common.host" -}}
{{- $entry := include "common.entry" . | fromJson -}}
{{- if eq (include "common.mode" .) "external" -}}
{{- required (printf "global.components.%s.host: is required in mode external; write the host name of the %s outside, for example db.example.org" .component .component) $entry.host -}}
{{- else -}}
{{- .component -}}
{{- end -}}
{{- end -}}

{{- /* Number of the component's port that the contract calls "port". */ -}}
{{- define "common.port" -}}
{{- $entry := include "common.entry" . | fromJson -}}
{{- $index := include (printf "common.index.%s" .component) .root | fromJson -}}
{{- $number := get $index.ports .port -}}
{{- if not $number -}}
{{- fail (printf "%s has no port %q; its contract knows %s" .component .port (keys $index.ports | sortAlpha | join ", ")) -}}
{{- end -}}
{{- if eq (include "common.mode" .) "external" -}}
{{- $entry.port | default $number | int -}}
{{- else -}}
{{- $number | int -}}
{{- end -}}
{{- end -}}

{{- /* host:port of the component's port. */ -}}
{{- define "common.endpoint" -}}
{{- include "common.host" . }}:{{ include "common.port" . -}}
{{- end -}}

{{- /* Public URL of a component, without trailing slash. */ -}}
{{- define "common.publicurl" -}}
{{- $url := dig "urls" .component "" (.root.Values.global | default dict) -}}
{{- required (printf "global.urls.%s: is required; write the public URL of %s without a trailing slash, for example https://%s.example.org" .component .component .component) $url | trimSuffix "/" -}}
{{- end -}}

{{- /* Base URL for traffic inside the platform, without trailing slash; the public one where it runs elsewhere. */ -}}
{{- define "common.insideurl" -}}
{{- if eq (include "common.mode" .) "embedded" -}}
http://{{ include "common.endpoint" . }}
{{- else -}}
{{- include "common.publicurl" . -}}
{{- end -}}
{{- end -}}

{{- /* Name of the Kubernetes Secret with this id (argument "secret"); refuses an emptied name with the list of keys. */ -}}
{{- define "common.secretname" -}}
{{- $index := include "common.index.secrets" .root | fromJson -}}
{{- $declared := get $index .secret -}}
{{- if not $declared -}}
{{- fail (printf "Secret %q is declared in no contract; declare it under `secrets:` of its owner and run: indigo generate" .secret) -}}
{{- end -}}
{{- $names := dig "secrets" dict (.root.Values.global | default dict) -}}
{{- $name := hasKey $names .secret | ternary (get $names .secret) .secret -}}
{{- if not $name -}}
{{- fail (printf "global.secrets.%s: names no Secret; write the name of an existing Secret of %s with the keys: %s (indigo secrets apply makes it)" .secret $declared.owner ($declared.keys | join ", ")) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{- /* Reference of an image: dict root, repository, tag, digest. */ -}}
{{- define "common.image" -}}
{{- $registry := dig "images" "registry" "" (.root.Values.global | default dict) -}}
{{- $repository := .repository -}}
{{- if $registry -}}
{{- $first := splitList "/" $repository | first -}}
{{- if and (contains "/" $repository) (or (contains "." $first) (contains ":" $first)) -}}
{{- $repository = trimPrefix (printf "%s/" $first) $repository -}}
{{- end -}}
{{- $repository = printf "%s/%s" (trimSuffix "/" $registry) $repository -}}
{{- end -}}
{{- if .digest -}}
{{ $repository }}:{{ .tag }}@{{ .digest }}
{{- else -}}
{{ $repository }}:{{ .tag }}
{{- end -}}
{{- end -}}

{{- /* Image that belongs to no component (charts/common/images.yaml): dict root, image (its name there). */ -}}
{{- define "common.image.shared" -}}
{{- $declared := get (include "common.index.images" .root | fromJson) .image -}}
{{- if not $declared -}}
{{- fail (printf "charts/common/images.yaml has no image %q; declare it there and run: indigo generate" .image) -}}
{{- end -}}
{{- include "common.image" (dict "root" .root "repository" $declared.repository "tag" $declared.tag "digest" $declared.digest) -}}
{{- end -}}
