{{- define "aliquot.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "aliquot.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "aliquot.labels" -}}
{{ include "aliquot.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "aliquot.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "aliquot.serviceAccount" -}}
{{ if .Values.serviceAccount.create }}{{ include "aliquot.name" . }}{{ else }}default{{ end }}
{{- end }}

{{/* What every pod is allowed: nothing that it does not need. */}}
{{- define "aliquot.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "aliquot.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* The variable, in the form NAME_FILE, of each secret. */}}
{{- define "aliquot.secretVariables" -}}
databaseUrl: ALIQUOT_DATABASE_URL
migrationDatabaseUrl: ALIQUOT_MIGRATION_DATABASE_URL
databaseReplicaUrl: ALIQUOT_DATABASE_REPLICA_URL
encryptionKeys: ALIQUOT_ENCRYPTION_KEYS
masterKey: ALIQUOT_MASTER_KEY
courierSecrets: ALIQUOT_COURIER_SECRETS
courierKey: ALIQUOT_COURIER_KEY
traceHeaders: ALIQUOT_TRACE_HEADERS
temporalApiKey: ALIQUOT_TEMPORAL_API_KEY
{{- end }}

{{/* The secrets of a process: root, and owner for the one that migrates, which alone gets the owner's database URL. */}}
{{- define "aliquot.secrets" -}}
{{- $secrets := .root.Values.secrets }}
{{- if not .owner }}{{ $secrets = omit $secrets "migrationDatabaseUrl" }}{{ end }}
{{- toYaml $secrets }}
{{- end }}

{{/* The environment of a process: root, settings that are its own, and owner as above. */}}
{{- define "aliquot.environment" -}}
{{- $root := .root }}
{{- $variables := include "aliquot.secretVariables" $root | fromYaml }}
- {name: ALIQUOT_TEMPORAL, value: {{ $root.Values.temporal.address | quote }}}
- {name: ALIQUOT_TEMPORAL_NAMESPACE, value: {{ $root.Values.temporal.namespace | quote }}}
{{- with $root.Values.temporal.tls }}
{{- if .enabled }}
- {name: ALIQUOT_TEMPORAL_TLS, value: "true"}
{{- if .ca.name }}
- {name: ALIQUOT_TEMPORAL_CA_FILE, value: /etc/aliquot/secrets/temporal-ca.crt}
{{- end }}
{{- if .certificate.name }}
- {name: ALIQUOT_TEMPORAL_CERT_FILE, value: /etc/aliquot/secrets/temporal-tls.crt}
- {name: ALIQUOT_TEMPORAL_KEY_FILE, value: /etc/aliquot/secrets/temporal-tls.key}
{{- end }}
{{- if .serverName }}
- {name: ALIQUOT_TEMPORAL_SERVER_NAME, value: {{ .serverName | quote }}}
{{- end }}
{{- end }}
{{- end }}
- {name: ALIQUOT_METRICS, value: ":9090"}
{{- range $secret, $ref := include "aliquot.secrets" . | fromYaml }}
{{- if $ref.name }}
- {name: {{ get $variables $secret }}_FILE, value: /etc/aliquot/secrets/{{ $secret }}}
{{- end }}
{{- end }}
{{- range $name, $value := merge (dict) .settings $root.Values.settings }}
{{- if has (trimSuffix "_FILE" $name) (values $variables) }}
{{- fail (printf "%s is a secret: name a Secret with it in secrets, not its value in settings" $name) }}
{{- end }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}

{{/* The files of the secrets: root, and owner as above. */}}
{{- define "aliquot.secretVolume" -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range $secret, $ref := include "aliquot.secrets" . | fromYaml }}
      {{- if $ref.name }}
      - secret:
          name: {{ $ref.name }}
          items: [{key: {{ $ref.key }}, path: {{ $secret }}}]
      {{- end }}
      {{- end }}
      {{- with .root.Values.database.ca }}
      {{- if .name }}
      - secret:
          name: {{ .name }}
          items: [{key: {{ .key }}, path: database-ca.crt}]
      {{- end }}
      {{- end }}
      {{- with .root.Values.temporal.tls }}
      {{- if and .enabled .ca.name }}
      - secret:
          name: {{ .ca.name }}
          items: [{key: {{ .ca.key }}, path: temporal-ca.crt}]
      {{- end }}
      {{- if and .enabled .certificate.name }}
      - secret:
          name: {{ .certificate.name }}
          items:
            - {key: {{ .certificate.cert }}, path: temporal-tls.crt}
            - {key: {{ .certificate.key }}, path: temporal-tls.key}
      {{- end }}
      {{- end }}
{{- end }}

{{- define "aliquot.build" -}}
{{ .Values.versioning.buildId | default .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "aliquot.podAnnotations" -}}
{{- if .Values.monitoring.annotations }}
prometheus.io/scrape: "true"
prometheus.io/port: "9090"
prometheus.io/path: /metrics
{{- end }}
{{- with .Values.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Replicas on different nodes and in different zones, where there are any. */}}
{{- define "aliquot.spread" -}}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "aliquot.selector" $.root | nindent 6 }}
      app.kubernetes.io/component: {{ $.component }}
{{- end }}
{{- end }}

{{/* A budget and a scaler of one component: root, component, of. */}}
{{- define "aliquot.budgetAndScaler" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "aliquot.name" .root }}-{{ .component }}
  labels: {{- include "aliquot.labels" .root | nindent 4 }}
spec:
  {{- toYaml .of.podDisruptionBudget | nindent 2 }}
  selector:
    matchLabels:
      {{- include "aliquot.selector" .root | nindent 6 }}
      app.kubernetes.io/component: {{ .component }}
{{- with .of.autoscaling }}
{{- if .enabled }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "aliquot.name" $.root }}-{{ $.component }}
  labels: {{- include "aliquot.labels" $.root | nindent 4 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ include "aliquot.name" $.root }}-{{ $.component }}}
  minReplicas: {{ .minReplicas }}
  maxReplicas: {{ .maxReplicas }}
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: {{ .targetCPUUtilizationPercentage }}}}
  behavior:
    # The load changes in waves: added pods stay for ten minutes.
    scaleDown: {stabilizationWindowSeconds: 600}
{{- end }}
{{- end }}
{{- end }}
