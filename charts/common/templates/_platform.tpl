{{- /*
What a component may know of the platform around it. All take dict "root" and "component"; a consumer never asks in which
mode another component runs, it asks for its host, port or URL.
*/ -}}

{{- /*
The component whose pods answer for this one. An instance (mariadb-iam of mariadb) that is `shared`, or of which nothing is said,
is served by the component that it is one of; everything below follows that.
*/ -}}
{{- define "common.instance" -}}
{{- $like := get (include "common.index.instances" .root | fromJson) .component -}}
{{- if and $like (eq (dig "components" .component "mode" "shared" (.root.Values.global | default dict)) "shared") -}}
{{- $like -}}
{{- else -}}
{{- .component -}}
{{- end -}}
{{- end -}}

{{- /* The entry in global.components of what serves, as JSON. */ -}}
{{- define "common.entry" -}}
{{- dig "components" (include "common.instance" .) dict (.root.Values.global | default dict) | toJson -}}
{{- end -}}

{{- /* embedded, operator, external or off. */ -}}
{{- define "common.mode" -}}
{{- (include "common.entry" . | fromJson).mode | default "embedded" -}}
{{- end -}}

{{- /* true where its pods run in this namespace, whoever makes them; else empty. */ -}}
{{- define "common.here" -}}
{{- if has (include "common.mode" .) (list "embedded" "operator") -}}true{{- end -}}
{{- end -}}

{{- /* Labels that select its pods in NetworkPolicies, as JSON. An operator has labels of its own; ours it passes on. */ -}}
{{- define "common.pods" -}}
{{- $key := eq (include "common.mode" .) "operator" | ternary "indigo-paas/component" "app.kubernetes.io/name" -}}
{{- dict $key (include "common.instance" .) | toJson -}}
{{- end -}}

{{- /* Host name that the component's ports are reached under, without port. */ -}}
{{- define "common.host" -}}
{{- $mode := include "common.mode" . -}}
{{- $name := include "common.instance" . -}}
{{- if eq $mode "external" -}}
{{- $entry := include "common.entry" . | fromJson -}}
{{- required (printf "global.components.%s.host: is required in mode external; write the host name of the %s outside, for example db.example.org" $name $name) $entry.host -}}
{{- else if eq $mode "operator" -}}
{{- (include (printf "common.index.%s" $name) .root | fromJson).service -}}
{{- else -}}
{{- $name -}}
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

{{- /* URL of a component that the site writes, without trailing slash; nothing where it writes none. */ -}}
{{- define "common.writtenurl" -}}
{{- dig "urls" .component "" (.root.Values.global | default dict) | trimSuffix "/" -}}
{{- end -}}

{{- /* Public URL of a component, without trailing slash. */ -}}
{{- define "common.publicurl" -}}
{{- $url := include "common.writtenurl" . -}}
{{- required (printf "global.urls.%s: is required; write the public URL of %s without a trailing slash, for example https://%s.example.org" .component .component .component) $url -}}
{{- end -}}

{{- /* Base URL for traffic inside the platform, without trailing slash; the public one where it runs elsewhere. */ -}}
{{- define "common.insideurl" -}}
{{- if include "common.here" . -}}
http://{{ include "common.endpoint" . }}
{{- else -}}
{{- include "common.publicurl" . -}}
{{- end -}}
{{- end -}}

{{- /*
Base URL of a component that need not be there, as its consumer inside the platform uses it: inside where it runs here, the public
one where it runs elsewhere, nothing where it is off.
*/ -}}
{{- define "common.url" -}}
{{- if ne (include "common.mode" .) "off" -}}
{{- include "common.insideurl" . -}}
{{- end -}}
{{- end -}}

{{- /* Port number of a URL: the written one, else that of its scheme. */ -}}
{{- define "common.urlport" -}}
{{- $url := urlParse . -}}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (eq $url.scheme "https" | ternary "443" "80") -}}
{{- end -}}

{{- /* Audience of the tokens with which a component ("component") logs in at the vault; the vault's role of that name takes it. */ -}}
{{- define "common.audience" -}}
{{- dig "audiences" .component .component (.root.Values.global | default dict) -}}
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
