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
  {{- include "common.processor.env" (dict "root" .root "size" $size "deserializer" "string") | nindent 2 }}
secretFiles:
  {{- include "common.processor.secretfiles" . | nindent 2 }}
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
