{{- define "common.index.mariadb" -}}
{"component":"mariadb","wave":0,"ports":{"mysql":3306},"consumers":{"mysql":[]},"databases":[],"secrets":{"mariadb-root":["password"]}}
{{- end -}}
{{- define "common.index.valkey" -}}
{"component":"valkey","wave":0,"ports":{"valkey":6379},"consumers":{"valkey":[]},"databases":[],"secrets":{"valkey-auth":["password"]}}
{{- end -}}
{{- define "common.index.secrets" -}}
{"mariadb-root": {"owner": "mariadb", "keys": ["password"]}, "valkey-auth": {"owner": "valkey", "keys": ["password"]}}
{{- end -}}
{{- define "common.index.components" -}}
["mariadb", "valkey"]
{{- end -}}
