{{- define "iam.wiring" -}}
{{- $site := .root.Values -}}
{{- $url := include "common.publicurl" (dict "root" .root "component" "iam") -}}
{{- $mariadb := dict "root" .root "component" "mariadb-iam" "port" "mysql" -}}
{{- $valkey := dict "root" .root "component" "valkey" "port" "valkey" -}}
args:
  - sh
  - -c
  - {{ include "iam.start" . | toJson }}
env:
  IAM_JAVA_OPTS: -Dspring.profiles.active={{ prepend $site.profiles "prod" | join "," }} -XX:MaxRAMPercentage=70 -XX:+ExitOnOutOfMemoryError
  SERVER_SHUTDOWN: graceful
  SPRING_LIFECYCLE_TIMEOUT_PER_SHUTDOWN_PHASE: 25s
  IAM_HOST: {{ (urlParse $url).hostname | toJson }}
  IAM_PORT: "8080"
  IAM_BASE_URL: {{ $url }}
  IAM_ISSUER: {{ $url }}/
  IAM_FORWARD_HEADERS_STRATEGY: native
  IAM_ORGANISATION_NAME: {{ $site.organisation | toJson }}
  IAM_DB_HOST: {{ include "common.host" $mariadb }}
  IAM_DB_PORT: {{ include "common.port" $mariadb | quote }}
  IAM_DB_NAME: iam
  IAM_DB_USERNAME: iam
  IAM_DB_PASSWORD: {secret: iam-db, key: password}
  {{- if include "common.tls" $mariadb }}
  SPRING_DATASOURCE_URL: jdbc:mysql://{{ include "common.endpoint" $mariadb }}/iam?sslMode=VERIFY_IDENTITY
  {{- end }}
  SPRING_FLYWAY_LOCATIONS: classpath:db/migration/mysql,classpath:db/migration/prod,filesystem:/indigo-paas/flyway
  SPRING_FLYWAY_PLACEHOLDERS_ADMINPASSWORD: {secret: iam-admin, key: password}
  SPRING_FLYWAY_PLACEHOLDERS_PROVISIONERSECRET: {secret: iam-provisioner, key: client-secret}
  SPRING_FLYWAY_PLACEHOLDERS_SAMPLECLIENTSECRET: {secret: iam-admin, key: sample-client-secret}
  IAM_KEY_STORE_LOCATION: file:/secrets/keystore/keystore.jwks
  IAM_JWK_DEFAULT_KEY_ID: rsa1
  IAM_JWT_DEFAULT_PROFILE: iam
  IAM_ACTUATOR_USER_USERNAME: {secret: iam-actuator, key: username}
  IAM_ACTUATOR_USER_PASSWORD: {secret: iam-actuator, key: password}
  {{- if eq $site.sessions "valkey" }}
  IAM_SPRING_SESSION_STORE_TYPE: redis
  IAM_SPRING_REDIS_HOST: {{ include "common.host" $valkey }}
  IAM_SPRING_REDIS_PORT: {{ include "common.port" $valkey | quote }}
  IAM_SPRING_REDIS_PASSWORD: {secret: valkey-auth, key: password}
  IAM_CACHE_REDIS_ENABLED: "true"
  {{- else }}
  IAM_SPRING_SESSION_STORE_TYPE: none
  IAM_CACHE_REDIS_ENABLED: "false"
  {{- end }}
  IAM_NOTIFICATION_DISABLE: {{ empty $site.mail.host | quote }}
  {{- if $site.mail.host }}
  IAM_MAIL_HOST: {{ $site.mail.host | toJson }}
  IAM_MAIL_PORT: {{ $site.mail.port | int | quote }}
  IAM_NOTIFICATION_FROM: {{ $site.mail.from | toJson }}
  IAM_NOTIFICATION_ADMIN_ADDRESS: {{ $site.mail.admins | toJson }}
  {{- end }}
  {{- if $site.mail.authenticated }}
  IAM_MAIL_USERNAME: {secret: iam-mail, key: username}
  IAM_MAIL_PASSWORD: {secret: iam-mail, key: password}
  {{- end }}
  {{- if and (has "oidc" $site.profiles) (not $site.extraConfig) }}
  IAM_GOOGLE_CLIENT_ID: {secret: iam-oidc, key: client-id}
  IAM_GOOGLE_CLIENT_SECRET: {secret: iam-oidc, key: client-secret}
  {{- end }}
  {{- if has "saml" $site.profiles }}
  IAM_SAML_KEYSTORE: file:/secrets/saml/keystore.jks
  IAM_SAML_KEYSTORE_PASSWORD: {secret: iam-saml, key: keystore-password}
  IAM_SAML_KEY_PASSWORD: {secret: iam-saml, key: key-password}
  {{- end }}
  {{- if has "mfa" $site.profiles }}
  IAM_TOTP_MFA_PASSWORD_TO_ENCRYPT_AND_DECRYPT: {secret: iam-mfa, key: password}
  {{- end }}
files:
  /indigo-paas/flyway/V3_0_1__indigo_paas_first_passwords.sql:
    content: |
      {{- include "iam.migration" . | nindent 6 }}
  /indigo-paas/flyway/R__indigo_paas_platform_client.sql:
    content: |
      {{- include "iam.provisioner" . | nindent 6 }}
jobs:
  clients:
    command: [python3, -c]
    args:
      - {{ .root.Files.Get "register.py" | toJson }}
      - {{ include "iam.clients" . | toJson }}
    env:
      CLIENTS_IAM: http://{{ include "common.endpoint" (dict "root" .root "component" "iam" "port" "http") }}
      CLIENTS_PROVISIONER_ID: indigo-platform
      CLIENTS_PROVISIONER_SECRET: {secret: iam-provisioner, key: client-secret}
      {{- range include "iam.clients.here" . | fromJsonArray }}
      {{ include "iam.clients.variables" .name }}_ID: {secret: {{ .secret }}, key: {{ .id }}, optional: true}
      {{ include "iam.clients.variables" .name }}_SECRET: {secret: {{ .secret }}, key: {{ .key }}, optional: true}
      {{- end }}
    resources: {requests: {cpu: 20m, memory: 32Mi}, limits: {memory: 96Mi}}
volumes:
  - name: keystore
    secret:
      secretName: {{ include "common.secretname" (dict "root" .root "secret" "iam-keystore") }}
      defaultMode: 288
      items:
        - {key: keystore.jwks, path: keystore.jwks}
  {{- if has "saml" $site.profiles }}
  - name: saml
    secret:
      secretName: {{ include "common.secretname" (dict "root" .root "secret" "iam-saml") }}
      defaultMode: 288
      items:
        - {key: keystore.jks, path: keystore.jks}
  {{- end }}
  {{- if $site.extraConfig }}
  - name: extra-config
    secret:
      secretName: {{ include "common.secretname" (dict "root" .root "secret" "iam-extra") }}
      defaultMode: 288
  {{- end }}
mounts:
  - {name: keystore, mountPath: /secrets/keystore, readOnly: true}
  {{- if has "saml" $site.profiles }}
  - {name: saml, mountPath: /secrets/saml, readOnly: true}
  {{- end }}
  {{- if $site.extraConfig }}
  - {name: extra-config, mountPath: /indigo-iam/config, readOnly: true}
  {{- end }}
errors: {{ include "iam.errors" . }}
{{- end -}}

{{- /* Java, as the image starts it; with a site's own authorities it gets a copy of its trust store that holds them. */ -}}
{{- define "iam.start" -}}
{{- if include "common.trust.configmap" .root -}}
set -eu
{{ include "common.trust.split" . }}
cp "$JAVA_HOME/lib/security/cacerts" /tmp/cacerts
chmod 600 /tmp/cacerts
for file in /tmp/trusted/*.pem; do
  keytool -importcert -noprompt -keystore /tmp/cacerts -storepass changeit -alias "$(basename "$file" .pem)" -file "$file"
done
exec java $IAM_JAVA_OPTS -Djavax.net.ssl.trustStore=/tmp/cacerts org.springframework.boot.loader.WarLauncher
{{- else -}}
exec java $IAM_JAVA_OPTS org.springframework.boot.loader.WarLauncher
{{- end -}}
{{- end -}}

{{- /*
Runs between upstream's migrations 3, which makes account and client with published passwords, and 10.1, which hashes
passwords: before the port opens. Where 10.1 has run already, the first statement finds nothing to change.
The text must stay as it is: Flyway keeps its checksum.
*/ -}}
{{- define "iam.migration" -}}
UPDATE iam_account SET password = '${adminpassword}' WHERE username = 'admin' AND password = 'password';
UPDATE client_details SET client_secret = '${sampleclientsecret}' WHERE client_id = 'client' AND client_secret = 'secret';
{{- end -}}

{{- /*
The client with which the Job registers the others. A repeatable migration: it runs after all others, and again when its text with
the secret in it changes. Scopes are upstream's for its administrators' API.
*/ -}}
{{- define "iam.provisioner" -}}
INSERT INTO client_details (client_id, client_secret, client_name, client_description, token_endpoint_auth_method, access_token_validity_seconds, allow_introspection, active, created_at)
VALUES ('indigo-platform', '${provisionersecret}', 'INDIGO PaaS platform', 'Registers the clients that the platform needs.', 'SECRET_BASIC', 600, false, true, CURRENT_TIMESTAMP())
ON DUPLICATE KEY UPDATE client_secret = VALUES(client_secret), active = true;
DELETE FROM client_grant_type WHERE owner_id = (SELECT id FROM client_details WHERE client_id = 'indigo-platform');
INSERT INTO client_grant_type (owner_id, grant_type) SELECT id, 'client_credentials' FROM client_details WHERE client_id = 'indigo-platform';
DELETE FROM client_scope WHERE owner_id = (SELECT id FROM client_details WHERE client_id = 'indigo-platform');
INSERT INTO client_scope (owner_id, scope) SELECT id, 'iam:admin.read' FROM client_details WHERE client_id = 'indigo-platform';
INSERT INTO client_scope (owner_id, scope) SELECT id, 'iam:admin.write' FROM client_details WHERE client_id = 'indigo-platform';
{{- end -}}

{{- /* Clients of components that run here; one that users return to needs its owner's public URL, which that chart asks for. */ -}}
{{- define "iam.clients.here" -}}
{{- $here := list -}}
{{- range $client := .index.clients -}}
{{- $owner := dict "root" $.root "component" $client.owner -}}
{{- if and (include "common.here" $owner) (or (empty $client.redirects) (include "common.writtenurl" $owner)) -}}
{{- $here = append $here $client -}}
{{- end -}}
{{- end -}}
{{- $here | toJson -}}
{{- end -}}

{{- define "iam.clients.variables" -}}
CLIENT_{{ . | upper | replace "-" "_" }}
{{- end -}}

{{- /* What the Job registers, as IAM's API writes it: everything but ids and secrets. */ -}}
{{- define "iam.clients" -}}
{{- $wanted := list -}}
{{- range $client := include "iam.clients.here" . | fromJsonArray -}}
{{- $extra := get $.root.Values.clientExtras $client.name | default dict -}}
{{- $redirects := $extra.redirects | default list -}}
{{- range $path := $client.redirects -}}
{{- $redirects = prepend $redirects (printf "%s%s" (include "common.publicurl" (dict "root" $.root "component" $client.owner)) $path) -}}
{{- end -}}
{{- $grants := concat $client.grants ($extra.grants | default list) | uniq | sortAlpha -}}
{{- $entry := dict
  "name" $client.name
  "variables" (include "iam.clients.variables" $client.name)
  "client_name" $client.title
  "grant_types" $grants
  "scope" (concat $client.scopes ($extra.scopes | default list) | uniq | sortAlpha | join " ")
  "token_endpoint_auth_method" "client_secret_basic"
  "allow_introspection" true -}}
{{- if $redirects }}{{ $_ := set $entry "redirect_uris" ($redirects | uniq | sortAlpha) }}{{ end -}}
{{- if has "authorization_code" $grants }}{{ $_ := set $entry "response_types" (list "code") }}{{ end -}}
{{- if $client.idTokenSeconds }}{{ $_ := set $entry "id_token_validity_seconds" ($client.idTokenSeconds | int) }}{{ end -}}
{{- $wanted = append $wanted $entry -}}
{{- end -}}
{{- $wanted | toJson -}}
{{- end -}}

{{- /* What the site's values get wrong, as a JSON list. */ -}}
{{- define "iam.errors" -}}
{{- $site := .root.Values -}}
{{- $settings := $site.settings | default dict -}}
{{- $wrong := list -}}
{{- if and (gt (int $site.replicas) 1) (ne $site.sessions "valkey") -}}
{{- $wrong = append $wrong (printf "iam.replicas: %d pods do not share logins that are in memory; write iam.sessions: valkey, or one replica" (int $site.replicas)) -}}
{{- end -}}
{{- if and (eq $site.sessions "valkey") (eq (include "common.mode" (dict "root" .root "component" "valkey")) "off") -}}
{{- $wrong = append $wrong "iam.sessions: is valkey, but global.components.valkey.mode is off; switch valkey on, or write iam.sessions: memory" -}}
{{- end -}}
{{- if and (eq $site.sessions "memory") (eq (get $settings "IAM_SPRING_SESSION_STORE_TYPE" | toString) "redis") -}}
{{- $wrong = append $wrong "iam.settings.IAM_SPRING_SESSION_STORE_TYPE: redis alone has neither host nor password; write iam.sessions: valkey instead" -}}
{{- end -}}
{{- if and $site.mail.host (or (empty $site.mail.from) (empty $site.mail.admins)) -}}
{{- $wrong = append $wrong "iam.mail: with a host it needs from and admins, too; upstream's defaults are addresses at localhost that mail servers refuse" -}}
{{- end -}}
{{- if and $site.mail.authenticated (not $site.mail.host) -}}
{{- $wrong = append $wrong "iam.mail.authenticated: is true without iam.mail.host; write the mail server, or leave both" -}}
{{- end -}}
{{- $names := list -}}
{{- range $client := .index.clients }}{{ $names = append $names $client.name }}{{ end -}}
{{- range $name, $extra := $site.clientExtras -}}
{{- if not (has $name $names) -}}
{{- $wrong = append $wrong (printf "iam.clientExtras.%s: no contract declares this client; write one of %s" $name ($names | sortAlpha | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- with get $settings "IAM_JAVA_OPTS" -}}
{{- if not (regexMatch "-Dspring[.]profiles[.]active=([a-z0-9-]+,)*prod(,| |$)" (. | toString)) -}}
{{- $wrong = append $wrong "iam.settings.IAM_JAVA_OPTS: lacks -Dspring.profiles.active=prod,..., and IAM would start with a database in memory; add it, or write further options into JAVA_TOOL_OPTIONS" -}}
{{- end -}}
{{- end -}}
{{- with get $settings "SPRING_FLYWAY_LOCATIONS" -}}
{{- if not (contains "filesystem:/indigo-paas/flyway" (. | toString)) -}}
{{- $wrong = append $wrong "iam.settings.SPRING_FLYWAY_LOCATIONS: lacks filesystem:/indigo-paas/flyway, and a new database would have the published passwords; add it" -}}
{{- end -}}
{{- end -}}
{{- if and (has "saml" $site.profiles) (not $site.extraConfig) -}}
{{- range $name := list "IAM_SAML_ENTITY_ID" "IAM_SAML_IDP_METADATA" -}}
{{- if not (get $settings $name) -}}
{{- $wrong = append $wrong (printf "iam.settings.%s: is needed with profile saml, its default is a sample; write it, or set iam.extraConfig and write application-saml.yml" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}
