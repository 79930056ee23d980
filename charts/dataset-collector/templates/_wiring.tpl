{{- /*
The image has no command. The start script is upstream's program, made to skip what it cannot read: it begins at the first
message at every start, so that a single bad one would stop it for ever.
*/ -}}
{{- define "dataset-collector.wiring" -}}
{{- $size := index .contract.topics "airanker-dataset" "maxMessageBytes" | int -}}
command: [sh, -c]
args:
  - rm -f /logs/* && exec python3 /indigo-paas/start.py
env:
  PYTHONUNBUFFERED: "1"
  LOG_DIR: /logs
  KAFKA_BOOTSTRAP_SERVERS: {{ include "common.endpoint" (dict "root" .root "component" "kafka" "port" "tls") }}
  KAFKA_FETCH_MAX_BYTES: {{ $size }}
  KAFKA_MAX_REQUEST_SIZE: {{ $size }}
  KAFKA_SSL_CAFILE: /indigo-paas/tls/ca.crt
  KAFKA_SSL_CERTFILE: /indigo-paas/tls/tls.crt
  KAFKA_SSL_KEYFILE: /indigo-paas/tls/tls.key
  KAFKA_SSL_PASSWORD_PATH: /indigo-paas/tls/password
  KAFKA_VALUE_DESERIALIZER_STR: string
secretFiles:
  /indigo-paas/tls: {secret: kafka-client-tls, items: {ca.crt: ca.crt, tls.crt: tls.crt, tls.key: tls.key, password: password}}
files:
  /indigo-paas/start.py:
    single: true
    content: |
      import runpy
      import sys

      PROGRAM = "/kafka-components/processors"
      sys.path.insert(0, PROGRAM)
      from modules.datasetcollector.loganalyzer import LogAnalyzer
      from modules.datasetcollector.providers import Providers


      def skip_unreadable(owner, name):
          original = getattr(owner, name)

          def guarded(self, message):
              try:
                  return original(self, message)
              except Exception as error:
                  self.logger.error(f"skipped a message: {error!r}")
                  return False

          setattr(owner, name, guarded)


      skip_unreadable(LogAnalyzer, "import_line")
      skip_unreadable(Providers, "import_msg")
      runpy.run_path(f"{PROGRAM}/dataset-collector.py", run_name="__main__")
{{- end -}}
