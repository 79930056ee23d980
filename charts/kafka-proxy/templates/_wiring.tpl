{{- /*
Upstream's own program starts its consumer once and goes on without it. This one is the same application, which ends when the
consumer ends, so that the pod is started again.
*/ -}}
{{- define "kafka-proxy.wiring" -}}
command: [python, /indigo-paas/start.py]
env:
  PYTHONUNBUFFERED: "1"
  FLASK_DB_CONNECTION: /cache/ranking.db
  FLASK_KAFKA_RANKING_TOPIC: ranked-providers
  FLASK_KAFKA_BOOTSTRAP_SERVERS: {{ include "common.endpoint" (dict "root" .root "component" "kafka" "port" "tls") }}
  FLASK_KAFKA_SSL_CACERT_PATH: /indigo-paas/tls/ca.crt
  FLASK_KAFKA_SSL_CERT_PATH: /indigo-paas/tls/tls.crt
  FLASK_KAFKA_SSL_KEY_PATH: /indigo-paas/tls/tls.key
  FLASK_KAFKA_SSL_PASSWORD: {secret: kafka-client-tls, key: password}
secretFiles:
  /indigo-paas/tls: {secret: kafka-client-tls, items: {ca.crt: ca.crt, tls.crt: tls.crt, tls.key: tls.key}}
files:
  /indigo-paas/start.py:
    single: true
    content: |
      import os
      import sys
      import threading
      import time

      sys.path.insert(0, "/app")
      from app import create_app

      app = create_app()


      def watch():
          while all(thread.is_alive() for thread in app.thread_dict.values()):
              time.sleep(5)
          app.logger.error("the consumer has ended; the process ends too, to be started again")
          os._exit(1)


      threading.Thread(target=watch, daemon=True).start()
      app.run(host="0.0.0.0", port=5001)
{{- end -}}
