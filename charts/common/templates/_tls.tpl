{{- /*
TLS to stores that run elsewhere: `tls` of their entry in global.components, none, preferred or required. Each consumer's contract says
how its software is told, or why it cannot (requires[].tls); the authorities are those of global.trustedCa, because each of them checks
the certificate against that bundle and nothing else.
*/ -}}

{{- /* "true" where the way to a store is to be encrypted: dict root, component. */ -}}
{{- define "common.tls" -}}
{{- $entry := include "common.entry" . | fromJson -}}
{{- if and (eq (include "common.mode" .) "external") (ne ($entry.tls | default "none") "none") -}}true{{- end -}}
{{- end -}}

{{- /* Path of the file with all authorities, for a setting that names one. */ -}}
{{- define "common.tls.bundle" -}}
/etc/indigo-paas/ca/ca-bundle.crt
{{- end -}}

{{- /* What ends a database URL of SQLAlchemy with PyMySQL, where it is encrypted: dict root, component. */ -}}
{{- define "common.tls.query" -}}
{{- if include "common.tls" . }}?ssl_ca={{ include "common.tls.bundle" . }}{{ end -}}
{{- end -}}

{{- /* What is wrong with it for this consumer, as a JSON list: x. */ -}}
{{- define "common.tls.errors" -}}
{{- $x := . -}}
{{- $wrong := list -}}
{{- range $edge := $x.contract.requires -}}
{{- if $edge.tls -}}
{{- $peer := dict "root" $x.root "component" $edge.component -}}
{{- $server := include "common.instance" $peer -}}
{{- $written := (include "common.entry" $peer | fromJson).tls | default "none" -}}
{{- if include "common.tls" $peer -}}
{{- if and (eq $written "required") $edge.tls.cannot -}}
{{- $wrong = append $wrong (printf "global.components.%s.tls: is required, but %s cannot encrypt: %s Write preferred, and let it pass in the clear on a private network, or switch %s off" $server $x.name $edge.tls.cannot $x.name) -}}
{{- end -}}
{{- if and $edge.tls.setting (not (include "common.trust.configmap" $x.root)) -}}
{{- $wrong = append $wrong (printf "global.trustedCa.configMap: is required where global.components.%s.tls is %s, %s checks the server's certificate against its bundle; write the ConfigMap with the authorities (docs/how-to/private-authority.md)" $server $written $x.name) -}}
{{- end -}}
{{- else if ne $written "none" -}}
{{- $wrong = append $wrong (printf "global.components.%s.tls: is %s, which is for mode external alone; servers of this chart speak to their clients inside the namespace in the clear; remove it" $server $written) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}
