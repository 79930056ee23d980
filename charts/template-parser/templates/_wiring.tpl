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
  {{- include "common.processor.env" (dict "root" .root "size" $size "deserializer" "string") | nindent 2 }}
secretFiles:
  {{- include "common.processor.secretfiles" . | nindent 2 }}
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
