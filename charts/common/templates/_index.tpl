{{- /*
What templates must know of other components, as JSON. Written by `indigo generate` from all contracts: do not edit.
common.index.<component> {component, wave, ports, consumers by port; databases, topics, buckets on this server; secrets}
common.index.secrets     Secret id -> {owner, keys}
common.index.components  sorted list of all names
*/ -}}
{{- define "common.index.dashboard" -}}
{"component":"dashboard","wave":20,"ports":{"http":5001},"consumers":{"http":["orchestrator"]},"databases":[],"topics":[],"buckets":[],"secrets":{"dashboard-app":["iam-client-id","iam-client-secret","secret-key"],"dashboard-catalogue":["token","username"],"dashboard-db":["password"],"dashboard-mail":["password","username"]}}
{{- end -}}
{{- define "common.index.iam" -}}
{"component":"iam","wave":10,"ports":{"http":8080},"consumers":{"http":["dashboard","orchestrator"]},"databases":[],"topics":[],"buckets":[],"secrets":{"iam-actuator":["password","username"],"iam-admin":["password","sample-client-secret"],"iam-db":["password"],"iam-extra":["application-oidc.yml"],"iam-keystore":["keystore.jwks"],"iam-mail":["password","username"],"iam-mfa":["password"],"iam-oidc":["client-id","client-secret"],"iam-saml":["key-password","keystore-password","keystore.jks"]}}
{{- end -}}
{{- define "common.index.mariadb" -}}
{"component":"mariadb","wave":0,"ports":{"mysql":3306},"consumers":{"mysql":["dashboard","iam","orchestrator"]},"databases":[{"name":"iam","user":"iam","secret":"iam-db","owner":"iam","charset":"utf8mb4","collation":"utf8mb4_general_ci"},{"name":"orchestrator","user":"orchestrator","secret":"orchestrator-db","owner":"orchestrator","charset":"utf8mb4","collation":"utf8mb4_general_ci"},{"name":"orchestrator_dashboard","user":"dashboard","secret":"dashboard-db","owner":"dashboard","charset":"utf8mb4","collation":"utf8mb4_general_ci"},{"name":"workflow","user":"workflow","secret":"workflow-db","owner":"orchestrator","charset":"utf8mb4","collation":"utf8mb4_general_ci"}],"topics":[],"buckets":[],"secrets":{"mariadb-root":["password"]}}
{{- end -}}
{{- define "common.index.orchestrator" -}}
{"component":"orchestrator","wave":10,"ports":{"http":8080},"consumers":{"http":["dashboard"]},"databases":[],"topics":[],"buckets":[],"secrets":{"orchestrator-clues":["client-id","client-secret"],"orchestrator-db":["password"],"orchestrator-oidc":["client-id","client-secret"],"workflow-db":["password"]}}
{{- end -}}
{{- define "common.index.valkey" -}}
{"component":"valkey","wave":0,"ports":{"valkey":6379},"consumers":{"valkey":["dashboard","iam"]},"databases":[],"topics":[],"buckets":[],"secrets":{"valkey-auth":["password"]}}
{{- end -}}
{{- define "common.index.components" -}}
["dashboard","iam","mariadb","orchestrator","valkey"]
{{- end -}}
{{- define "common.index.secrets" -}}
{"dashboard-app":{"owner":"dashboard","keys":["iam-client-id","iam-client-secret","secret-key"]},"dashboard-catalogue":{"owner":"dashboard","keys":["token","username"]},"dashboard-db":{"owner":"dashboard","keys":["password"]},"dashboard-mail":{"owner":"dashboard","keys":["password","username"]},"iam-actuator":{"owner":"iam","keys":["password","username"]},"iam-admin":{"owner":"iam","keys":["password","sample-client-secret"]},"iam-db":{"owner":"iam","keys":["password"]},"iam-extra":{"owner":"iam","keys":["application-oidc.yml"]},"iam-keystore":{"owner":"iam","keys":["keystore.jwks"]},"iam-mail":{"owner":"iam","keys":["password","username"]},"iam-mfa":{"owner":"iam","keys":["password"]},"iam-oidc":{"owner":"iam","keys":["client-id","client-secret"]},"iam-saml":{"owner":"iam","keys":["key-password","keystore-password","keystore.jks"]},"mariadb-root":{"owner":"mariadb","keys":["password"]},"orchestrator-clues":{"owner":"orchestrator","keys":["client-id","client-secret"]},"orchestrator-db":{"owner":"orchestrator","keys":["password"]},"orchestrator-oidc":{"owner":"orchestrator","keys":["client-id","client-secret"]},"valkey-auth":{"owner":"valkey","keys":["password"]},"workflow-db":{"owner":"orchestrator","keys":["password"]}}
{{- end -}}
