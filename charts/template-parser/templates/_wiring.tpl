{{- /*
The image has no command. The start script is upstream's program, made to skip what it cannot read: it begins at the first
message of the log at every start, so that a single bad one would stop it for ever.
*/ -}}
{{- define "template-parser.wiring" -}}
{{- $size := index .contract.topics "validated-templates" "maxMessageBytes" | int -}}
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
      import copy
      import runpy
      import sys

      PROGRAM = "/kafka-components/processors"
      sys.path.insert(0, PROGRAM)
      from modules.templateparser.orc_templ_collector import LogOrchestratorCollector as Collector
      from modules.templateparser.templ_parser_message import TemplateParserMessage

      import_line = Collector.import_line
      get = Collector.get_template_and_user_parameters


      def readable_line(self, line):
          try:
              return import_line(self, line)
          except (Exception, SystemExit) as error:
              self.logger.error(f"skipped a line of the log: {error!r}")
              return False


      def readable_template(self):
          try:
              found = get(self)
              if found:
                  TemplateParserMessage(copy.deepcopy(found), self.logger)
              return found
          except Exception as error:
              self.logger.error(f"skipped a template: {error!r}")
              return None


      Collector.import_line = readable_line
      Collector.get_template_and_user_parameters = readable_template
      runpy.run_path(f"{PROGRAM}/template-parser.py", run_name="__main__")
{{- end -}}
