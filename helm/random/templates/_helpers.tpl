{{/*
One calling convention for all helpers:
- A helper about the release takes the root context: include "random.fullname" $
- Every other helper takes one dict: (dict "root" $ "component" "users" "service" $service)
  root       the root context
  component  the value of the label app.kubernetes.io/component; a service's component is its name
  service    a service's values as "random.services" merges them; the provisioning Job and the test
             pod use those of the user service, whose image they run
  The comment above a helper lists the keys that it reads, and further ones where it takes more.
*/}}

{{/* --- The services ------------------------------------------------------------------------- */}}

{{/*
The one list of services; the templates range over it. An owner of tables precedes its readers.
name    its component, its block in values.yaml, and its database schema; its role is {name}_service,
        its Django project {name}_project
port    the local port that the notes forward to it
paths   what HTTPRoute and Ingress route to it; the admin, the probes and /metrics stay internal
reads   the services whose tables it reads: its role is a member of their {name}_reader
*/}}
{{- define "random.serviceList" -}}
- name: users
  port: 8081
  paths: [/users]
  reads: []
- name: numbers
  port: 8080
  paths: [/generate-random-number, /get-saved-numbers]
  reads: [users]
{{- end }}

{{/* The services' names in the order of the list, as a JSON array */}}
{{- define "random.serviceNames" -}}
{{- $names := list -}}
{{- range include "random.serviceList" . | fromYamlArray }}{{ $names = append $names .name }}{{ end -}}
{{- toJson $names -}}
{{- end }}

{{/* Each service by name, as JSON: `defaults`, overridden by its own values, and its entry in the list */}}
{{- define "random.services" -}}
{{- $services := dict -}}
{{- range include "random.serviceList" . | fromYamlArray -}}
{{- $_ := set $services .name (mergeOverwrite (deepCopy $.Values.defaults) (get $.Values .name) .) -}}
{{- end -}}
{{- toJson $services -}}
{{- end }}

{{/* --- Names, labels and pods --------------------------------------------------------------- */}}

{{/* The prefix of every object's name */}}
{{- define "random.fullname" -}}
{{- .Values.fullnameOverride | default .Release.Name -}}
{{- end }}

{{/* Labels that select a component's pods: root, component */}}
{{- define "random.selectorLabels" -}}
app.kubernetes.io/name: random
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Labels of a component's objects: root, component */}}
{{- define "random.labels" -}}
{{ include "random.selectorLabels" . }}
app.kubernetes.io/part-of: random
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* The image of a service: service */}}
{{- define "random.image" -}}
{{- with .service.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag }}{{ end }}
{{- end -}}
{{- end }}

{{/*
The part of a pod's spec that all pods share, with what restricted Pod Security requires: root,
component (whose service account it uses), uid (of the image's user; 10001 in the services' images)
*/}}
{{- define "random.podSpec" -}}
{{- $uid := .uid | default 10001 -}}
serviceAccountName: {{ include "random.fullname" .root }}-{{ .component }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ $uid }}
  runAsGroup: {{ $uid }}
  fsGroup: {{ $uid }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{/* The securityContext of every container, as restricted Pod Security requires: no keys */}}
{{- define "random.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Where a service's pods may be scheduled: service */}}
{{- define "random.scheduling" -}}
{{- with .service.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .service.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .service.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .service.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{/* --- Database ----------------------------------------------------------------------------- */}}

{{/* The host that serves requests */}}
{{- define "random.databaseHost" -}}
{{- if eq .Values.database.mode "external" -}}
{{ .Values.database.external.host }}
{{- else if eq .Values.database.mode "cloudnative-pg" -}}
{{ include "random.fullname" . }}-postgresql-pooler
{{- else -}}
{{ include "random.fullname" . }}-postgresql
{{- end -}}
{{- end }}

{{/* The host of the read replicas, for list requests; empty where there is none */}}
{{- define "random.databaseReadHost" -}}
{{- if eq .Values.database.mode "external" -}}
{{ .Values.database.external.readHost }}
{{- else if and (eq .Values.database.mode "cloudnative-pg") .Values.database.cnpg.readFromReplicas -}}
{{ include "random.databaseHost" . }}-ro
{{- end -}}
{{- end }}

{{/* The host that bypasses the pooler: migrations need session-level locks and settings */}}
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

{{/* The Secret with ca.crt; empty unless sslmode verifies the server's certificate */}}
{{- define "random.caSecret" -}}
{{- if hasPrefix "verify-" (include "random.sslmode" .) -}}
{{- if eq .Values.database.mode "cloudnative-pg" -}}
{{ include "random.fullname" . }}-postgresql-ca
{{- else -}}
{{ .Values.database.external.caSecret }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Environment variables for the connection to the database: root, host */}}
{{- define "random.databaseEnv" -}}
- name: DB_HOST
  value: {{ .host | quote }}
- name: DB_PORT
  value: {{ include "random.databasePort" .root | quote }}
- name: DB_NAME
  value: {{ .root.Values.database.name | quote }}
- name: DB_SSLMODE
  value: {{ include "random.sslmode" .root }}
{{- if include "random.caSecret" .root }}
- name: DB_SSLROOTCERT
  value: /run/secrets/ca/ca.crt
{{- end }}
{{- end }}

{{/* --- Secrets ------------------------------------------------------------------------------ */}}

{{/* The Secret with a service's SECRET_KEY: root, component, service */}}
{{- define "random.secretName" -}}
{{ .service.existingSecret | default (printf "%s-%s" (include "random.fullname" .root) .component) }}
{{- end }}

{{/* The Secret with the password of a service's role: root, component, service */}}
{{- define "random.databaseSecretName" -}}
{{ .service.existingDatabaseSecret | default (printf "%s-%s-database" (include "random.fullname" .root) .component) }}
{{- end }}

{{/* The Secret with the database administrator's credentials */}}
{{- define "random.adminSecretName" -}}
{{ .Values.database.existingAdminSecret | default (printf "%s-postgresql-admin" (include "random.fullname" .)) }}
{{- end }}

{{/*
The value of a Secret's key: root, secret, key, given (in the values), existing (the name of a Secret
that is not the chart's). An existing Secret is looked up in the cluster. For the chart's own Secret
the value is the given one, else the one in the cluster, else a newly generated one, which is kept in
.Values so that every template of a render gets the same.
*/}}
{{- define "random.secretValue" -}}
{{- $memory := get .root.Values "generatedSecrets" | default dict -}}
{{- $_ := set .root.Values "generatedSecrets" $memory -}}
{{- $address := printf "%s/%s" .secret .key -}}
{{- if not (hasKey $memory $address) -}}
{{- $inCluster := get ((lookup "v1" "Secret" .root.Release.Namespace .secret).data | default dict) .key | b64dec -}}
{{- $generated := ternary "" (randAlphaNum 40) (not (empty .existing)) -}}
{{- $_ := set $memory $address (ternary $inCluster (.given | default $inCluster | default $generated) (not (empty .existing))) -}}
{{- end -}}
{{- get $memory $address -}}
{{- end }}

{{/* A service's SECRET_KEY: root, component, service */}}
{{- define "random.secretKey" -}}
{{- include "random.secretValue" (dict "root" .root "secret" (include "random.secretName" .) "key" "secret-key" "given" .service.secretKey "existing" .service.existingSecret) -}}
{{- end }}

{{/* The password of a service's role: root, component, service */}}
{{- define "random.databasePassword" -}}
{{- include "random.secretValue" (dict "root" .root "secret" (include "random.databaseSecretName" .) "key" "password" "given" .service.databasePassword "existing" .service.existingDatabaseSecret) -}}
{{- end }}

{{/* The database administrator's password */}}
{{- define "random.adminPassword" -}}
{{- include "random.secretValue" (dict "root" . "secret" (include "random.adminSecretName" .) "key" "password" "given" .Values.database.adminPassword "existing" .Values.database.existingAdminSecret) -}}
{{- end }}

{{/* --- Containers of a service -------------------------------------------------------------- */}}

{{/* ALLOWED_HOSTS: root, component, service */}}
{{- define "random.allowedHosts" -}}
{{- $service := printf "%s-%s" (include "random.fullname" .root) .component -}}
{{- $namespace := .root.Release.Namespace -}}
{{- $hosts := list "localhost" "127.0.0.1" "[::1]" $service (printf "%s.%s" $service $namespace) (printf "%s.%s.svc" $service $namespace) (printf "%s.%s.svc.cluster.local" $service $namespace) -}}
{{- if .root.Values.ingress.enabled }}{{ $hosts = append $hosts .root.Values.ingress.host }}{{ end -}}
{{- if .root.Values.httpRoute.enabled }}{{ $hosts = concat $hosts .root.Values.httpRoute.hostnames }}{{ end -}}
{{/* A Gateway API wildcard is *.example.com, Django's is .example.com. */}}
{{- $written := list -}}
{{- range concat $hosts .service.allowedHosts | uniq }}{{ $written = append $written (regexReplaceAll "^[*][.]" . ".") }}{{ end -}}
{{- join "," $written -}}
{{- end }}

{{/* The settings of a service, for its server and for manage.py: root, component, service, host (of the database) */}}
{{- define "random.serviceEnv" -}}
{{- include "random.databaseEnv" . }}
- name: DB_USER
  value: {{ .component }}_service
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

{{/* The volumeMounts of a service's containers: root */}}
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

{{/* The volumes of a service's pods: root, component, service */}}
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

{{/* The volume with ca.crt, where the server's certificate is verified */}}
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

{{/*
An init container that retries a manage.py command until it succeeds, at most for waitSeconds: root,
component, service, host, command, reason (printed when it gives up)
*/}}
{{- define "random.waitContainer" -}}
- name: wait
  image: {{ include "random.image" . }}
  imagePullPolicy: {{ .service.image.pullPolicy }}
  command:
    - sh
    - -c
    - |
      trap 'exit 1' TERM
      end=$(($(date +%s) + {{ int .service.waitSeconds }}))
      until python {{ .component }}_project/manage.py {{ .command }} >/tmp/output 2>&1; do
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
