{{/* Start of every name */}}
{{- define "random.fullname" -}}
{{- .Values.fullnameOverride | default .Release.Name -}}
{{- end }}

{{/* Both services with the defaults merged in, as JSON */}}
{{- define "random.services" -}}
{{- $services := dict -}}
{{- range $name := list "numbers" "users" -}}
{{- $_ := set $services $name (mergeOverwrite (deepCopy $.Values.defaults) (get $.Values $name)) -}}
{{- end -}}
{{- toJson $services -}}
{{- end }}

{{/* Labels that select the pods of a component: (list root component) */}}
{{- define "random.selectorLabels" -}}
app.kubernetes.io/name: random
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* Labels of a component's objects: (list root component) */}}
{{- define "random.labels" -}}
{{- $root := index . 0 -}}
{{ include "random.selectorLabels" . }}
app.kubernetes.io/part-of: random
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ $root.Chart.Name }}-{{ $root.Chart.Version }}
{{- end }}

{{- define "random.image" -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag }}{{ end }}
{{- end }}

{{/* What restricted Pod Security asks of a pod: the account's number */}}
{{- define "random.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* What it asks of a container */}}
{{- define "random.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* What all pods have: (list root component account) */}}
{{- define "random.podSpec" -}}
{{- $root := index . 0 -}}
serviceAccountName: {{ include "random.fullname" $root }}-{{ index . 1 }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  {{- include "random.podSecurityContext" (index . 2) | nindent 2 }}
{{- end }}

{{/* Where a service's pods may run */}}
{{- define "random.scheduling" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{/* --- Database ---------------------------------------------------------------------------- */}}

{{- define "random.databaseHost" -}}
{{- if eq .Values.database.mode "external" -}}
{{ .Values.database.external.host }}
{{- else if eq .Values.database.mode "cloudnative-pg" -}}
{{ include "random.fullname" . }}-postgresql-pooler
{{- else -}}
{{ include "random.fullname" . }}-postgresql
{{- end -}}
{{- end }}

{{/* Where lists are read; empty reads them where all else is */}}
{{- define "random.databaseReadHost" -}}
{{- if eq .Values.database.mode "external" -}}
{{ .Values.database.external.readHost }}
{{- else if and (eq .Values.database.mode "cloudnative-pg") .Values.database.cnpg.readFromReplicas -}}
{{ include "random.databaseHost" . }}-ro
{{- end -}}
{{- end }}

{{/* Past any pooler: migrations hold locks and settings of a session */}}
{{- define "random.databaseDirectHost" -}}
{{- if eq .Values.database.mode "external" -}}
{{ .Values.database.external.directHost | default .Values.database.external.host }}
{{- else if eq .Values.database.mode "cloudnative-pg" -}}
{{ include "random.fullname" . }}-postgresql-rw
{{- else -}}
{{ include "random.fullname" . }}-postgresql
{{- end -}}
{{- end }}

{{- define "random.databasePort" -}}
{{- if eq .Values.database.mode "external" }}{{ int .Values.database.external.port }}{{ else }}5432{{ end -}}
{{- end }}

{{- define "random.sslmode" -}}
{{- $defaults := dict "bundled" "prefer" "external" "require" "cloudnative-pg" "verify-ca" -}}
{{ .Values.database.sslmode | default (get $defaults .Values.database.mode) }}
{{- end }}

{{/* The Secret with ca.crt, empty where the server's certificate is not verified */}}
{{- define "random.caSecret" -}}
{{- if hasPrefix "verify-" (include "random.sslmode" .) -}}
{{- if eq .Values.database.mode "cloudnative-pg" -}}
{{ include "random.fullname" . }}-postgresql-ca
{{- else -}}
{{ .Values.database.external.caSecret }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Environment that names the database: (list root host) */}}
{{- define "random.databaseEnv" -}}
{{- $root := index . 0 -}}
- name: DB_HOST
  value: {{ index . 1 | quote }}
- name: DB_PORT
  value: {{ include "random.databasePort" $root | quote }}
- name: DB_NAME
  value: {{ $root.Values.database.name | quote }}
- name: DB_SSLMODE
  value: {{ include "random.sslmode" $root }}
{{- if include "random.caSecret" $root }}
- name: DB_SSLROOTCERT
  value: /run/secrets/ca/ca.crt
{{- end }}
{{- end }}

{{/* --- Secrets ----------------------------------------------------------------------------- */}}

{{/* Names of the Secrets of a service: (dict root name service) */}}
{{- define "random.secretName" -}}
{{ .service.existingSecret | default (printf "%s-%s" (include "random.fullname" .root) .name) }}
{{- end }}

{{- define "random.databaseSecretName" -}}
{{ .service.existingDatabaseSecret | default (printf "%s-%s-database" (include "random.fullname" .root) .name) }}
{{- end }}

{{- define "random.adminSecretName" -}}
{{ .Values.database.existingAdminSecret | default (printf "%s-postgresql-admin" (include "random.fullname" .)) }}
{{- end }}

{{/*
A secret's value: the one given, else the one in the cluster, else one that is drawn, unless the
Secret is not ours: (dict root secret key given existing). All templates of a render see the same.
*/}}
{{- define "random.secretValue" -}}
{{- $memory := get .root.Values "drawnSecrets" | default dict -}}
{{- $_ := set .root.Values "drawnSecrets" $memory -}}
{{- $address := printf "%s/%s" .secret .key -}}
{{- if not (hasKey $memory $address) -}}
{{- $inCluster := get ((lookup "v1" "Secret" .root.Release.Namespace .secret).data | default dict) .key | b64dec -}}
{{- $drawn := ternary "" (randAlphaNum 40) (not (empty .existing)) -}}
{{- $_ := set $memory $address (ternary $inCluster (.given | default $inCluster | default $drawn) (not (empty .existing))) -}}
{{- end -}}
{{- get $memory $address -}}
{{- end }}

{{- define "random.secretKey" -}}
{{- include "random.secretValue" (dict "root" .root "secret" (include "random.secretName" .) "key" "secret-key" "given" .service.secretKey "existing" .service.existingSecret) -}}
{{- end }}

{{- define "random.databasePassword" -}}
{{- include "random.secretValue" (dict "root" .root "secret" (include "random.databaseSecretName" .) "key" "password" "given" .service.databasePassword "existing" .service.existingDatabaseSecret) -}}
{{- end }}

{{- define "random.adminPassword" -}}
{{- include "random.secretValue" (dict "root" . "secret" (include "random.adminSecretName" .) "key" "password" "given" .Values.database.adminPassword "existing" .Values.database.existingAdminSecret) -}}
{{- end }}

{{/* --- Containers of a service: (dict root name service) ------------------------------------- */}}

{{- define "random.allowedHosts" -}}
{{- $service := printf "%s-%s" (include "random.fullname" .root) .name -}}
{{- $namespace := .root.Release.Namespace -}}
{{- $hosts := list "localhost" "127.0.0.1" "[::1]" $service (printf "%s.%s" $service $namespace) (printf "%s.%s.svc" $service $namespace) (printf "%s.%s.svc.cluster.local" $service $namespace) -}}
{{- if .root.Values.ingress.enabled }}{{ $hosts = append $hosts .root.Values.ingress.host }}{{ end -}}
{{- if .root.Values.httpRoute.enabled }}{{ $hosts = concat $hosts .root.Values.httpRoute.hostnames }}{{ end -}}
{{/* Gateway API writes *.example.com where Django writes .example.com */}}
{{- $written := list -}}
{{- range concat $hosts .service.allowedHosts | uniq }}{{ $written = append $written (regexReplaceAll "^[*][.]" . ".") }}{{ end -}}
{{- join "," $written -}}
{{- end }}

{{/* Settings of a service, for its server and its commands; `host` is the database's */}}
{{- define "random.serviceEnv" -}}
{{- include "random.databaseEnv" (list .root .host) }}
- name: DB_USER
  value: {{ .name }}_service
- name: DB_PASSWORD_FILE
  value: /run/secrets/database/password
- name: SECRET_KEY_FILE
  value: /run/secrets/django/secret-key
- name: ALLOWED_HOSTS
  value: {{ include "random.allowedHosts" . | quote }}
{{- with .service.csrfTrustedOrigins }}
- name: CSRF_TRUSTED_ORIGINS
  value: {{ join "," . | quote }}
{{- end }}
- name: SECURE_SSL_REDIRECT
  value: {{ .service.secureSSLRedirect | quote }}
- name: LOG_LEVEL
  value: {{ .service.logLevel }}
{{- with .service.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "random.serviceMounts" -}}
- name: tmp
  mountPath: /tmp
- name: django
  mountPath: /run/secrets/django
  readOnly: true
- name: database
  mountPath: /run/secrets/database
  readOnly: true
{{- if include "random.caSecret" .root }}
- name: ca
  mountPath: /run/secrets/ca
  readOnly: true
{{- end }}
{{- end }}

{{- define "random.serviceVolumes" -}}
- name: tmp
  emptyDir: {}
- name: django
  secret:
    secretName: {{ include "random.secretName" . }}
    defaultMode: 0440
    items:
      - key: secret-key
        path: secret-key
- name: database
  secret:
    secretName: {{ include "random.databaseSecretName" . }}
    defaultMode: 0440
    items:
      - key: password
        path: password
{{- include "random.caVolume" .root }}
{{- end }}

{{- define "random.caVolume" -}}
{{- with include "random.caSecret" . }}
- name: ca
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    items:
      - key: ca.crt
        path: ca.crt
{{- end }}
{{- end }}

{{/* A container that runs a command of manage.py until it succeeds: … and `command`, `reason` */}}
{{- define "random.waitContainer" -}}
- name: wait
  image: {{ include "random.image" .service.image }}
  imagePullPolicy: {{ .service.image.pullPolicy }}
  command:
    - sh
    - -c
    - |
      trap 'exit 1' TERM
      end=$(($(date +%s) + {{ int .service.waitSeconds }}))
      until python {{ .name }}_project/manage.py {{ .command }} >/tmp/output 2>&1; do
        if [ "$(date +%s)" -ge "$end" ]; then
          tail -n 5 /tmp/output
          echo "{{ .reason }}"
          exit 1
        fi
        sleep 1
      done
  env:
    {{- include "random.serviceEnv" . | nindent 4 }}
  volumeMounts:
    {{- include "random.serviceMounts" . | nindent 4 }}
  resources:
    {{- toYaml .service.resources | nindent 4 }}
  securityContext:
    {{- include "random.securityContext" . | nindent 4 }}
{{- end }}

{{/* What the gateway passes on to each service; not the admin, the probes or the metrics */}}
{{- define "random.paths" -}}
{{- dict "users" (list "/users") "numbers" (list "/generate-random-number" "/get-saved-numbers") | toJson -}}
{{- end }}
