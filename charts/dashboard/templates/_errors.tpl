{{- /* What the site's values get wrong, as a JSON list of sentences. */ -}}
{{- define "dashboard.errors" -}}
{{- concat
  (include "dashboard.errors.platform" . | fromJsonArray)
  (include "dashboard.errors.json" . | fromJsonArray)
  (include "dashboard.errors.features" . | fromJsonArray)
  (include "dashboard.errors.profile" . | fromJsonArray) | toJson -}}
{{- end -}}

{{- define "dashboard.errors.platform" -}}
{{- $site := .root.Values -}}
{{- $settings := $site.settings | default dict -}}
{{- $wrong := list -}}
{{- range $component := list "dashboard" "iam" -}}
{{- $url := include "common.publicurl" (dict "root" $.root "component" $component) -}}
{{- if not (hasPrefix "https://" $url) -}}
{{- $wrong = append $wrong (printf "global.urls.%s: %s is not https; cookies and logins of the Dashboard work behind TLS only, write https://..." $component $url) -}}
{{- end -}}
{{- end -}}
{{- if and (gt (int $site.replicas) 1) (not $site.catalogue.templates.repository) -}}
{{- $wrong = append $wrong (printf "dashboard.replicas: %d pods would show different catalogues; write dashboard.catalogue.templates with a repository and a revision, or one replica" (int $site.replicas)) -}}
{{- end -}}
{{- range $part := list "templates" "settings" -}}
{{- $source := get $site.catalogue $part -}}
{{- if and $source.repository (not $source.revision) -}}
{{- $wrong = append $wrong (printf "dashboard.catalogue.%s.revision: is empty; write a tag or a commit, so that all pods show the same" $part) -}}
{{- else if not (regexMatch "^[A-Za-z0-9._/-]*$" ($source.revision | default "")) -}}
{{- $wrong = append $wrong (printf "dashboard.catalogue.%s.revision: %q is no tag, branch or commit" $part $source.revision) -}}
{{- end -}}
{{- end -}}
{{- if and $site.catalogue.private (not $site.catalogue.templates.repository) (not $site.catalogue.settings.repository) -}}
{{- $wrong = append $wrong "dashboard.catalogue.private: is true without a repository; write one, or leave it" -}}
{{- end -}}
{{- range $name := list "FLASK_TOSCA_TEMPLATES_DIR" "FLASK_SETTINGS_DIR" "FLASK_UPLOAD_FOLDER" -}}
{{- with get $settings $name -}}
{{- if not (regexMatch "^/opt/dashboard/[^/]" .) -}}
{{- $wrong = append $wrong (printf "dashboard.settings.%s: %s is not inside a volume; write a folder below /opt/dashboard" $name .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $site.mail.host (or (empty $site.mail.from) (empty $site.mail.support)) -}}
{{- $wrong = append $wrong "dashboard.mail: with a host it needs from and support, too; upstream's default is a developer's address" -}}
{{- end -}}
{{- if and $site.mail.authenticated (not $site.mail.host) -}}
{{- $wrong = append $wrong "dashboard.mail.authenticated: is true without dashboard.mail.host; write the mail server, or leave both" -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}

{{- /* The software reads FLASK_ variables as JSON: a text must not be one by chance, a list must be one. */ -}}
{{- define "dashboard.errors.json" -}}
{{- $wrong := list -}}
{{- range $name, $written := .root.Values.settings | default dict -}}
{{- $declared := get $.contract.settings $name | default dict -}}
{{- $type := $declared.type | default "string" -}}
{{- $value := $written | toString -}}
{{- $where := printf "dashboard.settings.%s" $name -}}
{{- if eq $type "json" -}}
{{- $bad := true -}}
{{- if regexMatch "^\\s*\\{" $value -}}
{{- $bad = hasKey ($value | fromJson) "Error" -}}
{{- else if regexMatch "^\\s*\\[" $value -}}
{{- /* fromJsonArray puts its message into the list: an only element that is not in the text. */ -}}
{{- $items := $value | fromJsonArray -}}
{{- $bad = and (eq (len $items) 1) (kindIs "string" (first $items)) (not (contains (first $items | toString) $value)) -}}
{{- end -}}
{{- if $bad -}}
{{- $wrong = append $wrong (printf "%s: %s is not JSON; write it as '[\"first\", \"second\"]' in single quotes" $where $value) -}}
{{- end -}}
{{- else if not (hasPrefix "FLASK_" $name) -}}
{{- else if and (eq $type "string") (regexMatch "^\\s*(-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?|true|false|null|NaN|-?Infinity|\\[.*\\]|\\{.*\\})\\s*$" $value) -}}
{{- $wrong = append $wrong (printf "%s: %s would be read as JSON and would be no text any more; write '\"%s\"', with double quotes inside single ones" $where $value $value) -}}
{{- else if and (eq $type "boolean") (has $value (list "True" "False")) -}}
{{- $wrong = append $wrong (printf "%s: %s is no JSON, and as a text it always counts as true; write %s" $where $value (lower $value)) -}}
{{- end -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}

{{- define "dashboard.errors.features" -}}
{{- $settings := .root.Values.settings | default dict -}}
{{- $wrong := list -}}
{{- $vault := eq (include "dashboard.feature" (dict "x" . "feature" "vault")) "yes" -}}
{{- if and $vault (not (get $settings "VAULT_URL")) (not (include "dashboard.vaulturl" .)) -}}
{{- $wrong = append $wrong "dashboard.features.vault: is on, but global.components.openbao.mode is off; switch openbao on (or write external and global.urls.openbao), or switch the feature off" -}}
{{- end -}}
{{- range $name, $value := $settings -}}
{{- if and (not $vault) (eq (dig $name "where" "" $.contract.settings) "/app/instance/vault-config.json") -}}
{{- $wrong = append $wrong (printf "dashboard.settings.%s: is read with features.vault only; switch it on, or leave the setting" $name) -}}
{{- end -}}
{{- end -}}
{{- if and (eq (include "dashboard.feature" (dict "x" . "feature" "s3")) "yes") (not (get $settings "S3_ENDPOINTS")) -}}
{{- $wrong = append $wrong "dashboard.settings.S3_ENDPOINTS: is needed with features.s3; write a JSON list of endpoints, or switch the feature off" -}}
{{- end -}}
{{- if and (eq (include "dashboard.feature" (dict "x" . "feature" "sshKeys")) "yes") (not $vault) -}}
{{- $wrong = append $wrong "dashboard.features.sshKeys: without features.vault there is no page to enter a key, and nobody could deploy; switch both on, or neither" -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}

{{- /* A profile is a file in the image that wins over all variables; these are the keys of those of 4.6.6. */ -}}
{{- define "dashboard.profile" -}}
{{- $look := list "WELCOME_MESSAGE" "NAVBAR_BRAND_TEXT" "NAVBAR_BRAND_ICON" "FAVICON_PATH" "BRAND_COLOR_1" "BRAND_COLOR_2" "HOME_TEMPLATE" "FOOTER_TEMPLATE" -}}
{{- $forms := dict "FEATURE_REQUIRE_USER_SSH_PUBKEY" "yes" "FEATURE_PORTS_REQUEST" "yes" "FEATURE_ACCESS_REQUEST" "no" -}}
{{- $profiles := dict
  "ai4eosc" (dict "look" (list "MAIL_IMAGE_SRC" "PRIVACY_POLICY_URL") "features" $forms "iam" "https://aai.cloud.ai4eosc.eu")
  "deep" (dict "look" (list "MAIL_IMAGE_SRC") "features" dict)
  "icsc" (dict "look" (list "HELP_PAGE_URL" "PRIVACY_POLICY_URL") "features" $forms)
  "infn-cloud" (dict "look" (list "HELP_PAGE_URL" "MAIL_IMAGE_SRC" "PRIVACY_POLICY_URL") "features" $forms)
  "intertwin" (dict "look" (list "HELP_PAGE_URL" "PRIVACY_POLICY_URL") "features" $forms)
  "laniakea" (dict "look" (list "MAIL_TEMPLATE") "features" (dict "FEATURE_REQUIRE_USER_SSH_PUBKEY" "yes"))
  "recas" (dict "look" (list "HELP_PAGE_URL") "features" dict)
  "xdc" (dict "look" (list "MAIL_IMAGE_SRC") "features" dict) -}}
{{- $profile := get $profiles .profile | default (dict "features" dict) -}}
{{- dict "look" (ternary (concat $look ($profile.look | default list)) list (hasKey $profile "look")) "features" $profile.features "iam" ($profile.iam | default "") | toJson -}}
{{- end -}}

{{- define "dashboard.errors.profile" -}}
{{- $settings := .root.Values.settings | default dict -}}
{{- $name := get $settings "FLASK_CONFIGURATION_PROFILE" | default "default" -}}
{{- $profile := include "dashboard.profile" (dict "profile" $name) | fromJson -}}
{{- $wrong := list -}}
{{- range $key := $profile.look -}}
{{- if hasKey $settings (printf "FLASK_%s" $key) -}}
{{- $wrong = append $wrong (printf "dashboard.settings.FLASK_%s: the profile %s wins over it; leave it, or write no FLASK_CONFIGURATION_PROFILE" $key $name) -}}
{{- end -}}
{{- end -}}
{{- range $feature, $variable := include "dashboard.features" . | fromJson -}}
{{- $forced := get $profile.features (trimPrefix "FLASK_" $variable) -}}
{{- $written := include "dashboard.feature" (dict "x" $ "feature" $feature) -}}
{{- if and $forced $written (ne $forced $written) -}}
{{- $wrong = append $wrong (printf "dashboard.features.%s: is %s, but the profile %s wins with %s; write %t, or no FLASK_CONFIGURATION_PROFILE" $feature (ternary "true" "false" (eq $written "yes")) $name $forced (eq $forced "yes")) -}}
{{- end -}}
{{- end -}}
{{- if and (eq (get $profile.features "FEATURE_REQUIRE_USER_SSH_PUBKEY" | toString) "yes") (ne (include "dashboard.feature" (dict "x" . "feature" "vault")) "yes") -}}
{{- $wrong = append $wrong (printf "dashboard.settings.FLASK_CONFIGURATION_PROFILE: %s demands SSH keys of users, and without features.vault there is no page to enter one; switch features.vault on, or choose another profile" $name) -}}
{{- end -}}
{{- $iam := include "common.publicurl" (dict "root" .root "component" "iam") -}}
{{- if and $profile.iam (ne $profile.iam $iam) -}}
{{- $wrong = append $wrong (printf "dashboard.settings.FLASK_CONFIGURATION_PROFILE: %s sends logins to %s instead of %s; choose another profile" $name $profile.iam $iam) -}}
{{- end -}}
{{- $wrong | toJson -}}
{{- end -}}
