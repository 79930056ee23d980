{{- /*
The alerts that every component has, as data: the templates (_monitoring.tpl) and the harness (harness/model/alerts.py) read the
same text. Alerts on metrics of one software are in its contract (`metrics.alerts`).
  of        what it is rendered for: serving, cronjob, volumes, jobs, metrics, certificate: components that have such a thing;
            platform: once for each environment
  minutes   how long it must hold; budget: the contract's recovery budget (availability.budget)
  [[x]]     in expr: namespace, component, environment, wanted, ready (replicas), claims, jobs (patterns), deadline (seconds), own
            (labels of the component's targets), containers (labels of its containers)
  <label>   in summary: a label of the series
Every alert has a page in docs/runbooks.
*/ -}}
{{- define "common.alerts" -}}
IndigoComponentDown:
  of: serving
  severity: critical
  minutes: budget
  expr: ([[wanted]] > 0) unless ([[ready]] > 0)
  summary: "[[component]] has no ready pod, for longer than it takes to recover by itself."
  source: kube-state-metrics docs/metrics/workload/deployment-metrics.md, statefulset-metrics.md
IndigoComponentDegraded:
  of: serving
  severity: warning
  minutes: 15
  expr: ([[wanted]] - [[ready]]) > 0 and [[ready]] > 0
  summary: "[[component]] runs with fewer pods than it should: one more failure may stop it."
  source: kube-state-metrics docs/metrics/workload/deployment-metrics.md, statefulset-metrics.md
IndigoContainerRestarting:
  of: serving
  severity: warning
  minutes: 5
  expr: increase(kube_pod_container_status_restarts_total{namespace="[[namespace]]",[[containers]]}[1h]) > 3
  summary: Pod <pod> of [[component]] restarts again and again.
  source: kube-state-metrics docs/metrics/workload/pod-metrics.md
IndigoContainerOutOfMemory:
  of: serving
  severity: warning
  minutes: 1
  expr: >-
    (kube_pod_container_status_last_terminated_reason{namespace="[[namespace]]",[[containers]],reason="OOMKilled"} == 1)
    and on (namespace, pod, container)
    (increase(kube_pod_container_status_restarts_total{namespace="[[namespace]]",[[containers]]}[1h]) > 0)
  summary: Pod <pod> of [[component]] was killed for using more memory than its limit.
  source: kube-state-metrics docs/metrics/workload/pod-metrics.md
IndigoVolumeAlmostFull:
  of: volumes
  severity: critical
  minutes: 10
  expr: >-
    kubelet_volume_stats_available_bytes{namespace="[[namespace]]",persistentvolumeclaim=~"[[claims]]"}
    / kubelet_volume_stats_capacity_bytes{namespace="[[namespace]]",persistentvolumeclaim=~"[[claims]]"} < 0.1
  summary: Volume <persistentvolumeclaim> of [[component]] has less than a tenth of its space left.
  source: Kubernetes metrics reference (kubelet_volume_stats_available_bytes, kubelet_volume_stats_capacity_bytes)
IndigoVolumeFillsSoon:
  of: volumes
  severity: warning
  minutes: 60
  expr: >-
    (kubelet_volume_stats_available_bytes{namespace="[[namespace]]",persistentvolumeclaim=~"[[claims]]"}
    / kubelet_volume_stats_capacity_bytes{namespace="[[namespace]]",persistentvolumeclaim=~"[[claims]]"} < 0.4)
    and (predict_linear(kubelet_volume_stats_available_bytes{namespace="[[namespace]]",persistentvolumeclaim=~"[[claims]]"}[6h], 86400) < 0)
  summary: Volume <persistentvolumeclaim> of [[component]] is full within a day, if it goes on like this.
  source: Kubernetes metrics reference (kubelet_volume_stats_available_bytes, kubelet_volume_stats_capacity_bytes)
IndigoJobFailed:
  of: jobs
  severity: critical
  minutes: 1
  expr: kube_job_failed{namespace="[[namespace]]",job_name=~"[[jobs]]",condition="true"} == 1
  summary: Job <job_name> of [[component]] has failed; what comes after it in the order is not delivered.
  source: kube-state-metrics docs/metrics/workload/job-metrics.md
IndigoCronJobNotSucceeding:
  of: cronjob
  severity: warning
  minutes: 5
  expr: >-
    (time() - (kube_cronjob_status_last_successful_time{namespace="[[namespace]]",cronjob="[[component]]"}
    or kube_cronjob_created{namespace="[[namespace]]",cronjob="[[component]]"}))
    > 3 * (kube_cronjob_next_schedule_time{namespace="[[namespace]]",cronjob="[[component]]"}
    - kube_cronjob_status_last_schedule_time{namespace="[[namespace]]",cronjob="[[component]]"}) + [[deadline]]
  summary: "[[component]] has not succeeded for three of its periods."
  source: kube-state-metrics docs/metrics/workload/cronjob-metrics.md
IndigoCronJobNotStarting:
  of: cronjob
  severity: warning
  minutes: 5
  expr: time() - kube_cronjob_next_schedule_time{namespace="[[namespace]]",cronjob="[[component]]"} > 900 + [[deadline]]
  summary: A run of [[component]] was due and has not begun.
  source: kube-state-metrics docs/metrics/workload/cronjob-metrics.md
IndigoTargetDown:
  of: metrics
  severity: warning
  minutes: 10
  expr: (up{[[own]]} == 0) or absent(up{[[own]]})
  summary: Prometheus gets no metrics of [[component]], its own alerts are blind.
  source: Prometheus documentation, automatically generated labels and time series
IndigoCertificateExpiring:
  of: certificate
  severity: critical
  minutes: 60
  expr: >-
    ((certmanager_certificate_expiration_timestamp_seconds{name="[[component]]-tls",namespace="[[namespace]]"}
    or certmanager_certificate_expiration_timestamp_seconds{name="[[component]]-tls",exported_namespace="[[namespace]]"}) - time()) < 14 * 86400
  summary: The certificate of [[component]] ends within 14 days and was not renewed.
  source: cert-manager documentation, Prometheus metrics
IndigoMonitoringBlind:
  of: platform
  severity: critical
  minutes: 10
  expr: absent(kube_pod_info{namespace="[[namespace]]"})
  summary: Prometheus knows no pod of [[namespace]], so no other alert of this environment can fire.
  source: kube-state-metrics docs/metrics/workload/pod-metrics.md
IndigoPodNotScheduled:
  of: platform
  severity: warning
  minutes: 10
  expr: sum by (namespace, pod) (kube_pod_status_unschedulable{namespace="[[namespace]]"}) > 0
  summary: No node takes pod <pod>.
  source: kube-state-metrics docs/metrics/workload/pod-metrics.md
IndigoQuotaNearlyUsed:
  of: platform
  severity: warning
  minutes: 15
  expr: >-
    kube_resourcequota{namespace="[[namespace]]",type="used"}
    / ignoring (type) (kube_resourcequota{namespace="[[namespace]]",type="hard"} > 0) > 0.9
  summary: More than nine tenths of the quota of <resource> are used; new pods or volumes will be refused.
  source: kube-state-metrics docs/metrics/policy/resourcequota-metrics.md
IndigoDeliveryDegraded:
  of: platform
  severity: critical
  minutes: 15
  expr: sum by (name) (argocd_app_info{project="indigo-[[environment]]",health_status=~"Degraded|Missing|Unknown"}) > 0
  summary: Argo CD reports Application <name> as unhealthy.
  source: Argo CD documentation, operator-manual/metrics
IndigoDeliveryOutOfSync:
  of: platform
  severity: warning
  minutes: 60
  expr: sum by (name) (argocd_app_info{project="indigo-[[environment]]",sync_status!="Synced"}) > 0
  summary: Application <name> is not what Git says, for an hour.
  source: Argo CD documentation, operator-manual/metrics
{{- end -}}
