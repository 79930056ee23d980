{{- /*
What templates must know of other components, as JSON. Written by `indigo generate` from all contracts: do not edit.
common.index.<component> {component, tier, wave, ports, consumers by port; databases, topics, buckets, clients here;
                         secrets; instances of it; url: whether one elsewhere is found by a URL, else by a host;
                         service: the name of its Service in mode operator}
common.index.instances   name of an instance -> the component that it is one of
common.index.images      images that belong to no component, by name: {repository, tag, digest}
common.index.secrets     Secret id -> {owner, keys}
common.index.components  sorted list of all names
common.index.doubles     sorted list of those that there is a contract double of (global.images.source)
*/ -}}
{{- define "common.index.ai-ranker-inference" -}}
{"component":"ai-ranker-inference","tier":"services","wave":10,"ports":{},"consumers":{},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":false,"service":"","secrets":{}}
{{- end -}}
{{- define "common.index.ai-ranker-training" -}}
{"component":"ai-ranker-training","tier":"batch","wave":10,"ports":{},"consumers":{},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":false,"service":"","secrets":{}}
{{- end -}}
{{- define "common.index.dashboard" -}}
{"component":"dashboard","tier":"core","wave":20,"ports":{"http":5001},"consumers":{"http":["orchestrator"]},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":true,"service":"","secrets":{"dashboard-app":["iam-client-id","iam-client-secret","secret-key"],"dashboard-catalogue":["token","username"],"dashboard-db":["password"],"dashboard-mail":["password","username"]}}
{{- end -}}
{{- define "common.index.dataset-collector" -}}
{"component":"dataset-collector","tier":"services","wave":10,"ports":{},"consumers":{},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":false,"service":"","secrets":{}}
{{- end -}}
{{- define "common.index.federation-manager" -}}
{"component":"federation-manager","tier":"services","wave":10,"ports":{"http":8000},"consumers":{"http":["federation-manager-dashboard","federation-manager-rally"]},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":true,"service":"","secrets":{"federation-manager-db":["password"],"federation-manager-keys":["api-key","secret-key"]}}
{{- end -}}
{{- define "common.index.federation-manager-dashboard" -}}
{"component":"federation-manager-dashboard","tier":"services","wave":0,"ports":{"http":3000},"consumers":{"http":[]},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":true,"service":"","secrets":{"federation-manager-dashboard-app":["auth-secret","client-id","client-secret"]}}
{{- end -}}
{{- define "common.index.federation-manager-opa" -}}
{"component":"federation-manager-opa","tier":"services","wave":0,"ports":{"http":8181,"metrics":8282},"consumers":{"http":["federation-manager"],"metrics":[]},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":false,"service":"","secrets":{}}
{{- end -}}
{{- define "common.index.federation-manager-rally" -}}
{"component":"federation-manager-rally","tier":"batch","wave":20,"ports":{},"consumers":{},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":false,"service":"","secrets":{}}
{{- end -}}
{{- define "common.index.federation-registry" -}}
{"component":"federation-registry","tier":"services","wave":10,"ports":{"http":8000},"consumers":{"http":["dashboard","federation-registry-feeder","orchestrator"]},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":true,"service":"","secrets":{}}
{{- end -}}
{{- define "common.index.federation-registry-feeder" -}}
{"component":"federation-registry-feeder","tier":"batch","wave":20,"ports":{},"consumers":{},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":false,"service":"","secrets":{"federation-registry-feeder-accounts":["accounts.json"]}}
{{- end -}}
{{- define "common.index.iam" -}}
{"component":"iam","tier":"core","wave":10,"ports":{"http":8080},"consumers":{"http":["dashboard","federation-manager","federation-manager-dashboard","federation-registry","federation-registry-feeder","im","im-connector","openbao","orchestrator","orchestrator-python","orchestrator-python-opa","rucio-connector"]},"databases":[],"topics":[],"buckets":[],"clients":[{"name":"clues","owner":"orchestrator","secret":"orchestrator-clues","id":"client-id","key":"client-secret","title":"CLUES in elastic clusters","redirects":[],"grants":["refresh_token","urn:ietf:params:oauth:grant-type:token-exchange"],"scopes":["openid","profile","email","offline_access"],"idTokenSeconds":0},{"name":"dashboard","owner":"dashboard","secret":"dashboard-app","id":"iam-client-id","key":"iam-client-secret","title":"INDIGO PaaS Dashboard","redirects":["/login/iam/authorized"],"grants":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:token-exchange"],"scopes":["openid","profile","email","offline_access"],"idTokenSeconds":0},{"name":"federation-manager-dashboard","owner":"federation-manager-dashboard","secret":"federation-manager-dashboard-app","id":"client-id","key":"client-secret","title":"INDIGO PaaS Federation Manager","redirects":["/api/auth/oauth2/callback/iam"],"grants":["authorization_code"],"scopes":["openid","profile","email"],"idTokenSeconds":0},{"name":"im","owner":"im","secret":"im-oidc","id":"client-id","key":"client-secret","title":"INDIGO PaaS Infrastructure Manager","redirects":[],"grants":["client_credentials"],"scopes":[],"idTokenSeconds":0},{"name":"orchestrator","owner":"orchestrator","secret":"orchestrator-oidc","id":"client-id","key":"client-secret","title":"INDIGO PaaS Orchestrator","redirects":[],"grants":["refresh_token","urn:ietf:params:oauth:grant-type:token-exchange"],"scopes":["openid","profile","email","offline_access"],"idTokenSeconds":1800},{"name":"orchestrator-python","owner":"orchestrator-python","secret":"orchestrator-python-oidc","id":"client-id","key":"client-secret","title":"INDIGO PaaS Orchestrator (Python)","redirects":[],"grants":["urn:ietf:params:oauth:grant-type:token-exchange"],"scopes":["openid","profile","email"],"idTokenSeconds":0}],"instances":[],"url":true,"service":"","secrets":{"iam-actuator":["password","username"],"iam-admin":["password","sample-client-secret"],"iam-db":["password"],"iam-extra":["application-oidc.yml"],"iam-keystore":["keystore.jwks"],"iam-mail":["password","username"],"iam-mfa":["password"],"iam-oidc":["client-id","client-secret"],"iam-provisioner":["client-secret"],"iam-saml":["key-password","keystore-password","keystore.jks"]}}
{{- end -}}
{{- define "common.index.im" -}}
{"component":"im","tier":"core","wave":10,"ports":{"http":8800},"consumers":{"http":["im-connector","orchestrator"]},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":true,"service":"","secrets":{"im-db":["password"],"im-oidc":["client-id","client-secret"],"im-ssh":["id_rsa"]}}
{{- end -}}
{{- define "common.index.im-connector" -}}
{"component":"im-connector","tier":"services","wave":0,"ports":{"http":8000},"consumers":{"http":[]},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":false,"service":"","secrets":{}}
{{- end -}}
{{- define "common.index.kafka" -}}
{"component":"kafka","tier":"data","wave":0,"ports":{"controller":9093,"tls":9095},"consumers":{"controller":[],"tls":["ai-ranker-inference","ai-ranker-training","dataset-collector","federation-manager","federation-manager-rally","federation-registry-feeder","kafka-proxy","log-shipper","orchestrator-python","provider-selector","template-parser"]},"databases":[],"topics":[{"name":"airanker-dataset","owner":"dataset-collector","partitions":1,"retentionHours":10000,"maxMessageBytes":104857600},{"name":"create-deployment","owner":"orchestrator-python","partitions":1,"retentionHours":10000,"maxMessageBytes":104857600},{"name":"evaluate-providers","owner":"federation-manager","partitions":1,"retentionHours":10000,"maxMessageBytes":104857600},{"name":"federation-registry-feeder","owner":"federation-registry-feeder","partitions":1,"retentionHours":10000,"maxMessageBytes":104857600},{"name":"federation-tests-result","owner":"federation-manager-rally","partitions":1,"retentionHours":10000,"maxMessageBytes":104857600},{"name":"logs-proc-dataset-collector","owner":"dataset-collector","partitions":1,"retentionHours":10000,"maxMessageBytes":104857600},{"name":"logs-proc-provider-selector","owner":"provider-selector","partitions":1,"retentionHours":10000,"maxMessageBytes":104857600},{"name":"logs-proc-template-parser","owner":"template-parser","partitions":1,"retentionHours":10000,"maxMessageBytes":104857600},{"name":"orchestrator-logs","owner":"log-shipper","partitions":1,"retentionHours":10000,"maxMessageBytes":104857600},{"name":"providers-monitoring","owner":"federation-manager","partitions":1,"retentionHours":10000,"maxMessageBytes":104857600},{"name":"providers-to-rank","owner":"provider-selector","partitions":1,"retentionHours":10000,"maxMessageBytes":104857600},{"name":"rally","owner":"provider-selector","partitions":1,"retentionHours":10000,"maxMessageBytes":104857600},{"name":"ranked-providers","owner":"ai-ranker-inference","partitions":1,"retentionHours":10000,"maxMessageBytes":104857600},{"name":"validated-templates","owner":"template-parser","partitions":1,"retentionHours":10000,"maxMessageBytes":104857600}],"buckets":[],"clients":[],"instances":[],"url":false,"service":"kafka-kafka-bootstrap","secrets":{"kafka-client-tls":["ca.crt","password","tls.crt","tls.key"],"kafka-server-tls":["ca.crt","tls.crt","tls.key"]}}
{{- end -}}
{{- define "common.index.kafka-proxy" -}}
{"component":"kafka-proxy","tier":"services","wave":10,"ports":{"http":5001},"consumers":{"http":["orchestrator"]},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":false,"service":"","secrets":{}}
{{- end -}}
{{- define "common.index.log-shipper" -}}
{"component":"log-shipper","tier":"services","wave":10,"ports":{"health":13133,"lines":5170,"metrics":8888},"consumers":{"health":[],"lines":["orchestrator"],"metrics":[]},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":false,"service":"","secrets":{}}
{{- end -}}
{{- define "common.index.mariadb" -}}
{"component":"mariadb","tier":"data","wave":0,"ports":{"mysql":3306},"consumers":{"mysql":["dashboard","federation-manager","im","orchestrator-python"]},"databases":[{"name":"fed_mgr","user":"fed_mgr","secret":"federation-manager-db","owner":"federation-manager","charset":"utf8mb4","collation":"utf8mb4_general_ci","xa":false,"tls":true},{"name":"im","user":"im","secret":"im-db","owner":"im","charset":"utf8mb4","collation":"utf8mb4_general_ci","xa":false,"tls":false},{"name":"orchestrator_dashboard","user":"dashboard","secret":"dashboard-db","owner":"dashboard","charset":"utf8mb4","collation":"utf8mb4_general_ci","xa":false,"tls":true},{"name":"orchestrator_python","user":"orchestrator_python","secret":"orchestrator-python-db","owner":"orchestrator-python","charset":"utf8mb4","collation":"utf8mb4_general_ci","xa":false,"tls":true}],"topics":[],"buckets":[],"clients":[],"instances":["mariadb-iam","mariadb-orchestrator"],"url":false,"service":"mariadb-primary","secrets":{"mariadb-root":["password"]}}
{{- end -}}
{{- define "common.index.mariadb-iam" -}}
{"component":"mariadb-iam","tier":"data","wave":0,"ports":{"mysql":3306},"consumers":{"mysql":["iam"]},"databases":[{"name":"iam","user":"iam","secret":"iam-db","owner":"iam","charset":"utf8mb4","collation":"utf8mb4_general_ci","xa":false,"tls":true}],"topics":[],"buckets":[],"clients":[],"instances":[],"url":false,"service":"mariadb-iam-primary","secrets":{"mariadb-iam-root":["password"]}}
{{- end -}}
{{- define "common.index.mariadb-orchestrator" -}}
{"component":"mariadb-orchestrator","tier":"data","wave":0,"ports":{"mysql":3306},"consumers":{"mysql":["orchestrator"]},"databases":[{"name":"orchestrator","user":"orchestrator","secret":"orchestrator-db","owner":"orchestrator","charset":"utf8mb4","collation":"utf8mb4_general_ci","xa":true,"tls":true},{"name":"workflow","user":"workflow","secret":"workflow-db","owner":"orchestrator","charset":"utf8mb4","collation":"utf8mb4_general_ci","xa":true,"tls":true}],"topics":[],"buckets":[],"clients":[],"instances":[],"url":false,"service":"mariadb-orchestrator-primary","secrets":{"mariadb-orchestrator-root":["password"]}}
{{- end -}}
{{- define "common.index.mlflow" -}}
{"component":"mlflow","tier":"services","wave":0,"ports":{"http":5000},"consumers":{"http":["ai-ranker-inference","ai-ranker-training"]},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":true,"service":"","secrets":{}}
{{- end -}}
{{- define "common.index.neo4j" -}}
{"component":"neo4j","tier":"data","wave":0,"ports":{"bolt":7687,"http":7474},"consumers":{"bolt":["federation-registry"],"http":[]},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":false,"service":"","secrets":{"neo4j-auth":["password"]}}
{{- end -}}
{{- define "common.index.openbao" -}}
{"component":"openbao","tier":"data","wave":0,"ports":{"cluster":8201,"http":8200,"metrics":9101},"consumers":{"cluster":[],"http":["dashboard","orchestrator"],"metrics":[]},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":true,"service":"","secrets":{"openbao-admin":["password"],"openbao-seal":["key"],"openbao-seal-previous":["key"]}}
{{- end -}}
{{- define "common.index.orchestrator" -}}
{"component":"orchestrator","tier":"core","wave":10,"ports":{"http":8080},"consumers":{"http":["dashboard"]},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":true,"service":"","secrets":{"orchestrator-clues":["client-id","client-secret"],"orchestrator-db":["password"],"orchestrator-oidc":["client-id","client-secret"],"workflow-db":["password"]}}
{{- end -}}
{{- define "common.index.orchestrator-python" -}}
{"component":"orchestrator-python","tier":"services","wave":10,"ports":{"http":8000},"consumers":{"http":[]},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":true,"service":"","secrets":{"orchestrator-python-db":["password"],"orchestrator-python-oidc":["client-id","client-secret"]}}
{{- end -}}
{{- define "common.index.orchestrator-python-opa" -}}
{"component":"orchestrator-python-opa","tier":"services","wave":0,"ports":{"http":8181,"metrics":8282},"consumers":{"http":["orchestrator-python"],"metrics":[]},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":false,"service":"","secrets":{}}
{{- end -}}
{{- define "common.index.provider-selector" -}}
{"component":"provider-selector","tier":"services","wave":10,"ports":{},"consumers":{},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":false,"service":"","secrets":{}}
{{- end -}}
{{- define "common.index.rucio-connector" -}}
{"component":"rucio-connector","tier":"services","wave":0,"ports":{"http":8000},"consumers":{"http":[]},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":true,"service":"","secrets":{"rucio-connector-rucio":["password","username"]}}
{{- end -}}
{{- define "common.index.s3" -}}
{"component":"s3","tier":"data","wave":0,"ports":{"http":7070},"consumers":{"http":[]},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":true,"service":"","secrets":{"s3-root":["access-key","secret-key"]}}
{{- end -}}
{{- define "common.index.template-parser" -}}
{"component":"template-parser","tier":"services","wave":10,"ports":{},"consumers":{},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":false,"service":"","secrets":{}}
{{- end -}}
{{- define "common.index.tosca" -}}
{"component":"tosca","tier":"core","wave":0,"ports":{"http":8080},"consumers":{"http":["im","orchestrator"]},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":false,"service":"","secrets":{"tosca-git":["token","username"]}}
{{- end -}}
{{- define "common.index.valkey" -}}
{"component":"valkey","tier":"data","wave":0,"ports":{"valkey":6379},"consumers":{"valkey":["dashboard","iam"]},"databases":[],"topics":[],"buckets":[],"clients":[],"instances":[],"url":false,"service":"","secrets":{"valkey-auth":["password"]}}
{{- end -}}
{{- define "common.index.components" -}}
["ai-ranker-inference","ai-ranker-training","dashboard","dataset-collector","federation-manager","federation-manager-dashboard","federation-manager-opa","federation-manager-rally","federation-registry","federation-registry-feeder","iam","im","im-connector","kafka","kafka-proxy","log-shipper","mariadb","mariadb-iam","mariadb-orchestrator","mlflow","neo4j","openbao","orchestrator","orchestrator-python","orchestrator-python-opa","provider-selector","rucio-connector","s3","template-parser","tosca","valkey"]
{{- end -}}
{{- define "common.index.doubles" -}}
["ai-ranker-inference","ai-ranker-training","dashboard","dataset-collector","federation-manager","federation-manager-dashboard","federation-manager-rally","federation-registry","federation-registry-feeder","iam","im-connector","kafka-proxy","log-shipper","orchestrator","orchestrator-python","provider-selector","rucio-connector","template-parser","tosca"]
{{- end -}}
{{- define "common.index.instances" -}}
{"mariadb-iam":"mariadb","mariadb-orchestrator":"mariadb"}
{{- end -}}
{{- define "common.index.images" -}}
{"mariadb-operator":{"repository":"ghcr.io/mariadb-operator/mariadb-operator","tag":"26.6.0","digest":""},"mariadb-operator-exporter":{"repository":"docker.io/prom/mysqld-exporter","tag":"v0.15.1","digest":""},"python":{"repository":"python","tag":"3.13-slim-bookworm","digest":""},"strimzi-kafka":{"repository":"quay.io/strimzi/kafka","tag":"1.2.0-kafka-4.3.1","digest":""},"strimzi-operator":{"repository":"quay.io/strimzi/operator","tag":"1.2.0","digest":""},"wait":{"repository":"busybox","tag":"1.36","digest":""}}
{{- end -}}
{{- define "common.index.secrets" -}}
{"dashboard-app":{"owner":"dashboard","keys":["iam-client-id","iam-client-secret","secret-key"]},"dashboard-catalogue":{"owner":"dashboard","keys":["token","username"]},"dashboard-db":{"owner":"dashboard","keys":["password"]},"dashboard-mail":{"owner":"dashboard","keys":["password","username"]},"federation-manager-dashboard-app":{"owner":"federation-manager-dashboard","keys":["auth-secret","client-id","client-secret"]},"federation-manager-db":{"owner":"federation-manager","keys":["password"]},"federation-manager-keys":{"owner":"federation-manager","keys":["api-key","secret-key"]},"federation-registry-feeder-accounts":{"owner":"federation-registry-feeder","keys":["accounts.json"]},"iam-actuator":{"owner":"iam","keys":["password","username"]},"iam-admin":{"owner":"iam","keys":["password","sample-client-secret"]},"iam-db":{"owner":"iam","keys":["password"]},"iam-extra":{"owner":"iam","keys":["application-oidc.yml"]},"iam-keystore":{"owner":"iam","keys":["keystore.jwks"]},"iam-mail":{"owner":"iam","keys":["password","username"]},"iam-mfa":{"owner":"iam","keys":["password"]},"iam-oidc":{"owner":"iam","keys":["client-id","client-secret"]},"iam-provisioner":{"owner":"iam","keys":["client-secret"]},"iam-saml":{"owner":"iam","keys":["key-password","keystore-password","keystore.jks"]},"im-db":{"owner":"im","keys":["password"]},"im-oidc":{"owner":"im","keys":["client-id","client-secret"]},"im-ssh":{"owner":"im","keys":["id_rsa"]},"kafka-client-tls":{"owner":"kafka","keys":["ca.crt","password","tls.crt","tls.key"]},"kafka-server-tls":{"owner":"kafka","keys":["ca.crt","tls.crt","tls.key"]},"mariadb-iam-root":{"owner":"mariadb-iam","keys":["password"]},"mariadb-orchestrator-root":{"owner":"mariadb-orchestrator","keys":["password"]},"mariadb-root":{"owner":"mariadb","keys":["password"]},"neo4j-auth":{"owner":"neo4j","keys":["password"]},"openbao-admin":{"owner":"openbao","keys":["password"]},"openbao-seal":{"owner":"openbao","keys":["key"]},"openbao-seal-previous":{"owner":"openbao","keys":["key"]},"orchestrator-clues":{"owner":"orchestrator","keys":["client-id","client-secret"]},"orchestrator-db":{"owner":"orchestrator","keys":["password"]},"orchestrator-oidc":{"owner":"orchestrator","keys":["client-id","client-secret"]},"orchestrator-python-db":{"owner":"orchestrator-python","keys":["password"]},"orchestrator-python-oidc":{"owner":"orchestrator-python","keys":["client-id","client-secret"]},"rucio-connector-rucio":{"owner":"rucio-connector","keys":["password","username"]},"s3-root":{"owner":"s3","keys":["access-key","secret-key"]},"tosca-git":{"owner":"tosca","keys":["token","username"]},"valkey-auth":{"owner":"valkey","keys":["password"]},"workflow-db":{"owner":"orchestrator","keys":["password"]}}
{{- end -}}
