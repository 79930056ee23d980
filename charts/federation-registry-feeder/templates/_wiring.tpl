{{- define "federation-registry-feeder.wiring" -}}
{{- $site := .root.Values -}}
{{- $kafka := dict "root" .root "component" "kafka" "port" "tls" -}}
{{- $stream := ne (include "common.mode" $kafka) "off" -}}
{{- $own := include "federation-registry-feeder.configured" . | eq "here" -}}
{{- $elsewhere := or $site.providersFrom.configMap $site.providersFrom.secret -}}
command: [python, /indigo-paas/run.py]
env:
  PYTHONPATH: /app
  PYTHONUNBUFFERED: "1"
  HOME: /tmp
  FEEDER_LOG_LEVEL: info
  FEEDER_ALLOW_REMOVAL: {{ $site.allowRemoval | toJson | toJson }}
  FED_REG_API_URL: {{ include "common.insideurl" (dict "root" .root "component" "federation-registry" "port" "http") }}/api
  FED_REG_TIMEOUT: "60"
  PROVIDERS_CONF_DIR: /providers-conf
  BLOCK_STORAGE_VOL_LABELS: {{ $site.volumeLabels | toJson | toJson }}
  KAFKA_ENABLE: {{ $stream | quote }}
  {{- if $stream }}
  KAFKA_BOOTSTRAP_SERVERS: {{ include "common.endpoint" $kafka }}
  KAFKA_TOPIC: federation-registry-feeder
  KAFKA_MAX_REQUEST_SIZE: "104857600"
  KAFKA_CLIENT_NAME: federation-registry-feeder
  KAFKA_MSG_VERSION: 1.4.0
  KAFKA_SSL_ENABLE: "true"
  KAFKA_SSL_CACERT_PATH: /secrets/kafka/ca.crt
  KAFKA_SSL_CERT_PATH: /secrets/kafka/tls.crt
  KAFKA_SSL_KEY_PATH: /secrets/kafka/tls.key
  KAFKA_SSL_PASSWORD: {secret: kafka-client-tls, key: password}
  {{- end }}
files:
  /indigo-paas/run.py:
    content: |
      {{- include "federation-registry-feeder.run" . | nindent 6 }}
  {{- if $own }}
  /providers-conf/providers.config.yaml:
    content: {{ $site.providers | toPrettyJson | toJson }}
  {{- end }}
{{- if or $own $elsewhere $stream }}
secretFiles:
  {{- if or $own $elsewhere }}
  /secrets/accounts: {secret: federation-registry-feeder-accounts, items: {accounts.json: accounts.json}}
  {{- end }}
  {{- if $stream }}
  /secrets/kafka: {secret: kafka-client-tls, items: {ca.crt: ca.crt, tls.crt: tls.crt, tls.key: tls.key}}
  {{- end }}
{{- end }}
{{- if or $elsewhere $site.certificates.configMap }}
volumes:
  {{- if $elsewhere }}
  - name: providers
    {{- if $site.providersFrom.secret }}
    secret:
      secretName: {{ $site.providersFrom.secret }}
      defaultMode: 288
    {{- else }}
    configMap:
      name: {{ $site.providersFrom.configMap }}
    {{- end }}
  {{- end }}
  {{- with $site.certificates.configMap }}
  - name: certificates
    configMap:
      name: {{ . }}
  {{- end }}
mounts:
  {{- if $elsewhere }}
  - {name: providers, mountPath: /providers-conf, readOnly: true}
  {{- end }}
  {{- if $site.certificates.configMap }}
  - {name: certificates, mountPath: /certs, readOnly: true}
  {{- end }}
{{- end }}
errors: {{ include "federation-registry-feeder.errors" . }}
{{- end -}}

{{- /* "here" where the values hold providers, nothing else. */ -}}
{{- define "federation-registry-feeder.configured" -}}
{{- $providers := .root.Values.providers -}}
{{- if or $providers.openstack $providers.kubernetes $providers.trusted_idps }}here{{ end -}}
{{- end -}}

{{- /* What the site's values get wrong, as a JSON list: what upstream would notice only while it deletes. */ -}}
{{- define "federation-registry-feeder.errors" -}}
{{- $site := .root.Values -}}
{{- $providers := $site.providers -}}
{{- $wrong := list -}}
{{- $places := list -}}
{{- if eq (include "federation-registry-feeder.configured" .) "here" }}{{ $places = append $places "providers" }}{{ end -}}
{{- range $place := list "configMap" "secret" -}}
{{- if get $site.providersFrom $place }}{{ $places = append $places (printf "providersFrom.%s" $place) }}{{ end -}}
{{- end -}}
{{- if gt (len $places) 1 -}}
{{- $wrong = append $wrong (printf "federation-registry-feeder: providers come from %s; write one of them" (join " and " $places)) -}}
{{- end -}}
{{- $issuers := dict -}}
{{- $agreements := dict -}}
{{- range $issuer := $providers.trusted_idps -}}
{{- $name := trimSuffix "/" $issuer.issuer -}}
{{- if hasKey $issuers $name -}}
{{- $wrong = append $wrong (printf "federation-registry-feeder.providers.trusted_idps: %s is there twice; make one entry of the two" $issuer.issuer) -}}
{{- end -}}
{{- $_ := set $issuers $name $issuer.issuer -}}
{{- range $group := $issuer.user_groups -}}
{{- range $agreement := $group.slas }}{{ $_ := set $agreements $agreement.doc_uuid $name }}{{ end -}}
{{- end -}}
{{- end -}}
{{- $names := dict -}}
{{- range $kind := list "openstack" "kubernetes" -}}
{{- range $provider := get $providers $kind -}}
{{- $where := printf "federation-registry-feeder.providers.%s (%s)" $kind $provider.name -}}
{{- if hasKey $names $provider.name -}}
{{- $wrong = append $wrong (printf "%s: the name is there twice, and the registry finds providers by their name; give one another name" $where) -}}
{{- end -}}
{{- $_ := set $names $provider.name true -}}
{{- range $method := $provider.identity_providers -}}
{{- if not (eq (get $issuers (trimSuffix "/" $method.endpoint)) $method.endpoint) -}}
{{- $wrong = append $wrong (printf "%s: identity provider %s is none of trusted_idps, letter by letter; write it as one of %s" $where $method.endpoint (values $issuers | sortAlpha | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- range $project := $provider.projects -}}
{{- if not (hasKey $agreements $project.sla) -}}
{{- $wrong = append $wrong (printf "%s: project %s has the agreement %s, which no user group of trusted_idps has; it would be left out of the registry" $where $project.id $project.sla) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $names (not $issuers) -}}
{{- $wrong = append $wrong "federation-registry-feeder.providers.trusted_idps: is empty; write the issuers whose users may use the providers" -}}
{{- end -}}
{{- with get ($site.settings | default dict) "PROVIDERS_CONF_DIR" -}}
{{- if ne . "/providers-conf" -}}
{{- $wrong = append $wrong "federation-registry-feeder.settings.PROVIDERS_CONF_DIR: the files are in /providers-conf; leave it" -}}
{{- end -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}
