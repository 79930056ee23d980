{{- /*
Mode operator: a replicated server, its databases, users and rights as custom resources of mariadb-operator.

Written out, because the operator's default would differ from ours: no Galera and no MaxScale; the agent's basic authentication
(the other one needs a ClusterRoleBinding); maxUserConnections (10, and the Orchestrator opens 60); cleanupPolicy (a resource that
is pruned must not take a database along).

Rotation (ADR 7): the operator sets a user's password again whenever the User changes, its annotations too (it has no predicate,
internal/controller/user_controller.go); the password of root is a variable of the pods.
*/ -}}
{{- define "mariadb.operated" -}}
{{- $x := . -}}
{{- $values := $x.root.Values -}}
{{- $global := $values.global | default dict -}}
{{- $replicas := int $values.operator.replicas -}}
{{- $storage := include "common.operated.storage" $x | fromJson -}}
{{- $root := include "common.secretname" (dict "root" $x.root "secret" (printf "%s-root" $x.name)) -}}
---
apiVersion: k8s.mariadb.com/v1alpha1
kind: MariaDB
metadata:
  {{- include "common.metadata" (dict "x" $x "name" $x.name "annotations" (include "common.operated.annotations" $x | fromYaml)) | nindent 2 }}
spec:
  image: {{ include "common.component.image" $x }}
  imagePullPolicy: {{ include "common.pullpolicy" .root }}
  {{- with dig "images" "pullSecrets" list $global }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  rootPasswordSecretKeyRef:
    name: {{ $root }}
    key: password
    generate: false
  podMetadata:
    labels:
      {{- include "common.operated.labels" $x | trim | nindent 6 }}
    {{- with merge (dict) ($values.podAnnotations | default dict) (include "common.rotation.of" (dict "root" $x.root "read" (list $root)) | fromYaml) }}
    annotations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  port: {{ $x.contract.ports.mysql.port | int }}
  replicas: {{ $replicas }}
  {{- if gt $replicas 1 }}
  replication:
    enabled: true
    gtidStrictMode: true
    semiSyncEnabled: true
    syncBinlog: 1
    primary:
      autoFailover: true
    initContainer:
      image: {{ include "common.image.shared" (dict "root" $x.root "image" "mariadb-operator") }}
      {{- include "common.containersecurity" $x.contract | nindent 6 }}
    agent:
      image: {{ include "common.image.shared" (dict "root" $x.root "image" "mariadb-operator") }}
      basicAuth:
        enabled: true
      {{- include "common.containersecurity" $x.contract | nindent 6 }}
  podDisruptionBudget:
    maxUnavailable: 1
  {{- end }}
  updateStrategy:
    type: ReplicasFirstPrimaryLast
  storage:
    size: {{ $storage.size }}
    {{- with $storage.class }}
    storageClassName: {{ . }}
    {{- end }}
    pvcRetentionPolicy:
      whenDeleted: Retain
      whenScaled: Retain
  myCnf: |
    {{- include "mariadb.cnf" $x | nindent 4 }}
  tls:
    enabled: false
  {{- $site := include "common.monitoring.site" $x.root | fromJson }}
  {{- if $site.enabled }}
  metrics:
    enabled: true
    exporter:
      image: {{ include "common.image.shared" (dict "root" $x.root "image" "mariadb-operator-exporter") }}
      port: {{ $x.contract.operator.metrics.port | int }}
      {{- /* the label opens the way to the servers and, for Prometheus, to its own port */}}
      podMetadata:
        labels:
          {{- include "common.operated.labels" $x | trim | nindent 10 }}
      resources:
        requests: {cpu: 10m, memory: 32Mi}
        limits: {memory: 64Mi}
      podSecurityContext:
        runAsNonRoot: true
        runAsUser: 65534
        seccompProfile:
          type: RuntimeDefault
      {{- include "common.containersecurity" $x.contract | nindent 6 }}
    serviceMonitor:
      interval: {{ $site.interval }}
      {{- with $site.labels.release }}
      prometheusRelease: {{ . | quote }}
      {{- end }}
  {{- end }}
  resources:
    {{- toYaml $values.resources | nindent 4 }}
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ $x.contract.workload.gracePeriod | int }}
  podSecurityContext:
    {{- include "common.podsecurity" $x.contract | nindent 4 }}
  {{- include "common.containersecurity" (dict "security" (dict "readOnlyRootFilesystem" false)) | nindent 2 }}
  {{- with $values.scheduling.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.scheduling.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "common.priority" $x }}
  priorityClassName: {{ . }}
  {{- end }}
  topologySpreadConstraints:
    {{- include "common.spread" (include "common.operated.selector" $x | fromYaml) | trim | nindent 4 }}
{{- $reference := dict "name" $x.name -}}
{{- range $database := include "mariadb.databases" $x | fromJsonArray }}
{{- $name := printf "%s.%s" $x.name ($database.name | replace "_" "-") }}
---
apiVersion: k8s.mariadb.com/v1alpha1
kind: Database
metadata:
  {{- include "common.metadata" (dict "x" $x "name" $name "offset" 3 "annotations" (include "common.operated.annotations" $x | fromYaml)) | nindent 2 }}
spec:
  mariaDbRef: {{ $reference | toJson }}
  name: {{ $database.name }}
  characterSet: {{ $database.charset }}
  collate: {{ $database.collation }}
  cleanupPolicy: Skip
{{- $password := include "common.secretname" (dict "root" $x.root "secret" $database.secret) }}
{{- $revision := include "common.rotation.of" (dict "root" $x.root "read" (list $password)) | fromYaml }}
---
apiVersion: k8s.mariadb.com/v1alpha1
kind: User
metadata:
  {{- include "common.metadata" (dict "x" $x "name" $name "offset" 3 "annotations" (merge $revision (include "common.operated.annotations" $x | fromYaml))) | nindent 2 }}
spec:
  mariaDbRef: {{ $reference | toJson }}
  name: {{ $database.user }}
  host: "%"
  maxUserConnections: {{ (include "mariadb.server" $x | fromJson).max_connections | int }}
  passwordSecretKeyRef:
    name: {{ $password }}
    key: password
  cleanupPolicy: Skip
---
apiVersion: k8s.mariadb.com/v1alpha1
kind: Grant
metadata:
  {{- include "common.metadata" (dict "x" $x "name" $name "offset" 3 "annotations" (include "common.operated.annotations" $x | fromYaml)) | nindent 2 }}
spec:
  mariaDbRef: {{ $reference | toJson }}
  username: {{ $database.user }}
  host: "%"
  database: {{ $database.name }}
  table: "*"
  privileges: ["ALL PRIVILEGES"]
  grantOption: false
  cleanupPolicy: Skip
{{- end }}
{{- end -}}
