{{- /*
Certificate authorities of a site (global.trustedCa), for the components whose contract says how their software takes them (`trust`):
variables that name a file, or a trust store of Java that the wiring makes at the start. Both files are in /etc/indigo-paas/ca:
  ca-bundle.crt  all authorities, the usual ones and the site's own, for software that reads one file instead of its own
  own.crt        the site's own, for software that adds them to those it knows
*/ -}}

{{- /* Name of the site's ConfigMap, or nothing: the root context. */ -}}
{{- define "common.trust.configmap" -}}
{{- dig "trustedCa" "configMap" "" (.Values.global | default dict) -}}
{{- end -}}

{{- /* "true" where this component's pods get it: x. */ -}}
{{- define "common.trust.used" -}}
{{- if and .contract.trust (include "common.trust.configmap" .root) -}}true{{- end -}}
{{- end -}}

{{- /* Variables that name the files, as JSON: x. */ -}}
{{- define "common.trust.env" -}}
{{- $env := dict -}}
{{- if include "common.trust.used" . -}}
{{- range $name := .contract.trust.bundle }}{{ $_ := set $env $name "/etc/indigo-paas/ca/ca-bundle.crt" }}{{ end -}}
{{- range $name := .contract.trust.own }}{{ $_ := set $env $name "/etc/indigo-paas/ca/own.crt" }}{{ end -}}
{{- end -}}
{{- $env | toJson -}}
{{- end -}}

{{- define "common.trust.volume" -}}
{{- if include "common.trust.used" . }}
{{- $site := .root.Values.global.trustedCa }}
- name: trusted-ca
  configMap:
    name: {{ $site.configMap }}
    items:
      {{- if .contract.trust.bundle }}
      - key: {{ $site.bundle | default "ca-bundle.crt" | quote }}
        path: ca-bundle.crt
      {{- end }}
      {{- if or .contract.trust.own .contract.trust.java }}
      - key: {{ $site.own | default "own.crt" | quote }}
        path: own.crt
      {{- end }}
{{- end }}
{{- end -}}

{{- define "common.trust.mount" -}}
{{- if include "common.trust.used" . }}
- name: trusted-ca
  mountPath: /etc/indigo-paas/ca
  readOnly: true
{{- end }}
{{- end -}}

{{- /*
Shell that writes each of the site's own authorities to a file of its own in /tmp/trusted: keytool imports only the first certificate
of a file. It begins anew at every start, as /tmp outlives a container of the same pod. Nothing where the site has none.
*/ -}}
{{- define "common.trust.split" -}}
{{- if include "common.trust.configmap" .root -}}
rm -rf /tmp/trusted
mkdir /tmp/trusted
number=0
while IFS= read -r line || [ -n "$line" ]; do
  case "$line" in *"BEGIN CERTIFICATE"*) number=$((number + 1)) ;; esac
  if [ "$number" -gt 0 ]; then printf '%s\n' "$line" >> "/tmp/trusted/site-$number.pem"; fi
done < /etc/indigo-paas/ca/own.crt
{{- end -}}
{{- end -}}
