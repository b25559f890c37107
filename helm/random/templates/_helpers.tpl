{{/*
One calling convention for all helpers:
- A helper about the release takes the root context: include "random.fullname" $
- Every other helper takes one dict: (dict "root" $ "component" "users" "service" $service)
  root       the root context
  component  the value of the label app.kubernetes.io/component; a service's component is its name
  service    a service's values as "random.services" merges them; the provisioning Job and the test
             pod use those of the user service, whose image they run
  The comment above a helper lists the keys that it reads, and further ones where it takes more.

Quote every string in the templates: a release may be called y, a namespace 1234 and a Secret 1e3,
which YAML reads as other types. A value may be a number where a string is meant, as in
--set defaults.image.tag=2, so it passes through "random.string", or a map of them through
"random.strings".
*/}}

{{/* --- Strings ------------------------------------------------------------------------------ */}}

{{/* A scalar as text: numbers are written in full, where Helm would print 1e+06 */}}
{{- define "random.string" -}}
{{- if kindIs "string" . }}{{ . }}{{ else }}{{ toJson . }}{{ end -}}
{{- end }}

{{/* A map whose values are all strings, such as annotations */}}
{{- define "random.strings" -}}
{{- $strings := dict -}}
{{- range $key, $value := . }}{{ $_ := set $strings $key (include "random.string" $value) }}{{ end -}}
{{- toYaml $strings -}}
{{- end }}

{{/* A list of strings */}}
{{- define "random.stringList" -}}
{{- $strings := list -}}
{{- range . }}{{ $strings = append $strings (include "random.string" .) }}{{ end -}}
{{- toYaml $strings -}}
{{- end }}

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
  paths: [/generate-random-number, /get-saved-numbers{{ if .Values.verifiableDraws.enabled }}, /commitments, /verify.py{{ end }}]
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
{{- $own := get $.Values .name | default dict -}}
{{- $_ := set $services .name (mergeOverwrite (deepCopy $.Values.defaults) $own .) -}}
{{- end -}}
{{- toJson $services -}}
{{- end }}

{{/* --- Names, labels and pods --------------------------------------------------------------- */}}

{{/* The prefix of every object's name */}}
{{- define "random.fullname" -}}
{{- .Values.fullnameOverride | default .Release.Name -}}
{{- end }}

{{/* The name of a component's object: root, component */}}
{{- define "random.name" -}}
{{- printf "%s-%s" (include "random.fullname" .root) .component -}}
{{- end }}

{{/*
The label app.kubernetes.io/instance. An umbrella chart may have this chart twice, by alias: then the
release's name does not tell their pods apart, but fullnameOverride does.
*/}}
{{- define "random.instance" -}}
{{- if .Chart.IsRoot }}{{ .Release.Name }}{{ else }}{{ include "random.fullname" . }}{{ end -}}
{{- end }}

{{/* Labels that select a component's pods; a Deployment's selector cannot change: root, component */}}
{{- define "random.selectorLabels" -}}
app.kubernetes.io/name: random
app.kubernetes.io/instance: {{ include "random.instance" .root | quote }}
app.kubernetes.io/component: {{ .component | quote }}
{{- end }}

{{/* Labels of a component's objects: root, component */}}
{{- define "random.labels" -}}
{{ include "random.selectorLabels" . }}
app.kubernetes.io/part-of: random
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | quote }}
{{- end }}

{{/* Name, namespace and labels of an object: root, component, name ("random.name" by default) */}}
{{- define "random.metadata" -}}
name: {{ .name | default (include "random.name" .) | quote }}
namespace: {{ .root.Release.Namespace | quote }}
labels:
  {{- include "random.labels" . | nindent 2 }}
{{- end }}

{{/* The IP families of a Service: root */}}
{{- define "random.ipFamilies" -}}
{{- with .Values.service.ipFamilyPolicy }}
ipFamilyPolicy: {{ . | quote }}
{{- end }}
{{- with .Values.service.ipFamilies }}
ipFamilies:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The image of a service: service */}}
{{- define "random.image" -}}
{{- with .service.image -}}
{{ include "random.string" .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ include "random.string" .tag }}{{ end }}
{{- end -}}
{{- end }}

{{/* imagePullSecrets, given as names or as in a pod: root */}}
{{- define "random.imagePullSecrets" -}}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ kindIs "map" . | ternary . (dict "name" .) | dig "name" "" | include "random.string" | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{/*
The part of a pod's spec that all pods share, with what restricted Pod Security requires: root,
component (whose service account it uses), ids (of the image's user; those of the services' images by
default)
*/}}
{{- define "random.podSpec" -}}
serviceAccountName: {{ include "random.name" . | quote }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- include "random.imagePullSecrets" . }}
securityContext:
  runAsNonRoot: true
  {{- range $key, $id := hasKey . "ids" | ternary .ids .root.Values.podSecurityContext }}
  {{- if $id }}
  {{ $key }}: {{ int $id }}
  {{- end }}
  {{- end }}
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
  {{- include "random.strings" . | nindent 2 }}
{{- end }}
{{- with .service.tolerations }}
tolerations:
  {{- range . }}
  - {{- include "random.strings" (omit . "tolerationSeconds") | nindent 4 }}
    {{- if hasKey . "tolerationSeconds" }}
    tolerationSeconds: {{ int64 .tolerationSeconds }}
    {{- end }}
  {{- end }}
{{- end }}
{{- with .service.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .service.priorityClassName }}
priorityClassName: {{ include "random.string" . | quote }}
{{- end }}
{{- end }}

{{/* --- Database ----------------------------------------------------------------------------- */}}

{{/* The host that serves requests */}}
{{- define "random.databaseHost" -}}
{{- if eq .Values.database.mode "external" -}}
{{ include "random.string" .Values.database.external.host }}
{{- else if eq .Values.database.mode "cloudnative-pg" -}}
{{ include "random.fullname" . }}-postgresql-pooler
{{- else -}}
{{ include "random.fullname" . }}-postgresql-client
{{- end -}}
{{- end }}

{{/* The host of the read replicas, for list requests; empty where there is none */}}
{{- define "random.databaseReadHost" -}}
{{- if eq .Values.database.mode "external" -}}
{{ include "random.string" .Values.database.external.readHost }}
{{- else if and (eq .Values.database.mode "cloudnative-pg") .Values.database.cnpg.readFromReplicas -}}
{{ include "random.databaseHost" . }}-ro
{{- end -}}
{{- end }}

{{/* The host that bypasses the pooler: migrations need session-level locks and settings */}}
{{- define "random.databaseDirectHost" -}}
{{- if eq .Values.database.mode "external" -}}
{{ .Values.database.external.directHost | default .Values.database.external.host | include "random.string" }}
{{- else if eq .Values.database.mode "cloudnative-pg" -}}
{{ include "random.fullname" . }}-postgresql-rw
{{- else -}}
{{ include "random.fullname" . }}-postgresql-client
{{- end -}}
{{- end }}

{{- define "random.databasePort" -}}
{{- if eq .Values.database.mode "external" }}{{ int .Values.database.external.port }}{{ else }}5432{{ end -}}
{{- end }}

{{- define "random.sslmode" -}}
{{- $defaults := dict "bundled" "verify-full" "external" "verify-full" "cloudnative-pg" "verify-ca" -}}
{{ .Values.database.sslmode | default (get $defaults .Values.database.mode) }}
{{- end }}

{{/* Not empty where sslmode verifies the server's certificate */}}
{{- define "random.verifies" -}}
{{- if hasPrefix "verify-" (include "random.sslmode" .) }}true{{ end -}}
{{- end }}

{{/* The Secret with ca.crt; empty unless sslmode verifies the server's certificate by a CA of its own */}}
{{- define "random.caSecret" -}}
{{- if include "random.verifies" . -}}
{{- if eq .Values.database.mode "cloudnative-pg" -}}
{{ include "random.fullname" . }}-postgresql-ca
{{- else if eq .Values.database.mode "bundled" -}}
{{ include "random.tlsSecretName" . }}
{{- else -}}
{{ include "random.string" .Values.database.external.caSecret }}
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
  value: {{ include "random.string" .root.Values.database.name | quote }}
- name: DB_SSLMODE
  value: {{ include "random.sslmode" .root | quote }}
{{- if include "random.caSecret" .root }}
- name: DB_SSLROOTCERT
  value: /run/secrets/ca/ca.crt
{{- else if include "random.verifies" .root }}
- name: DB_SSLROOTCERT
  # Not libpq's "system": psycopg2 brings an OpenSSL that looks elsewhere.
  value: /etc/ssl/certs/ca-certificates.crt
{{- end }}
{{- end }}

{{/* --- Secrets ------------------------------------------------------------------------------ */}}

{{/* The Secret with a service's SECRET_KEY: root, component, service */}}
{{- define "random.secretName" -}}
{{ .service.existingSecret | default (include "random.name" .) | include "random.string" }}
{{- end }}

{{/* The Secret with the password of a service's role: root, component, service */}}
{{- define "random.databaseSecretName" -}}
{{ .service.existingDatabaseSecret | default (printf "%s-database" (include "random.name" .)) | include "random.string" }}
{{- end }}

{{/* The Secret with the password of the role that owns a service's schema: root, component, service */}}
{{- define "random.ownerSecretName" -}}
{{ .service.existingOwnerSecret | default (printf "%s-owner" (include "random.name" .)) | include "random.string" }}
{{- end }}

{{/* The Secret with the database administrator's credentials */}}
{{- define "random.adminSecretName" -}}
{{ .Values.database.existingAdminSecret | default (printf "%s-postgresql-admin" (include "random.fullname" .)) | include "random.string" }}
{{- end }}

{{/* The Secret with the bundled database's certificate, its key, and the CA */}}
{{- define "random.tlsSecretName" -}}
{{ .Values.database.bundled.existingTLSSecret | default (printf "%s-postgresql-tls" (include "random.fullname" .)) | include "random.string" }}
{{- end }}

{{/* The data of a Secret in the cluster, as JSON; empty where there is none, or no cluster: root, secret */}}
{{- define "random.secretData" -}}
{{- (lookup "v1" "Secret" .root.Release.Namespace .secret).data | default dict | toJson -}}
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
{{- $inCluster := get (include "random.secretData" . | fromJson) .key | b64dec -}}
{{- $given := include "random.string" (.given | default "") -}}
{{- $generated := ternary "" (randAlphaNum 40) (not (empty .existing)) -}}
{{- $_ := set $memory $address (ternary $inCluster ($given | default $inCluster | default $generated) (not (empty .existing))) -}}
{{- end -}}
{{- get $memory $address -}}
{{- end }}

{{/* A service's SECRET_KEY: root, component, service */}}
{{- define "random.secretKey" -}}
{{- include "random.secretValue" (dict "root" .root "secret" (include "random.secretName" .) "key" "secret-key" "given" .service.secretKey "existing" .service.existingSecret) -}}
{{- end }}

{{/* The SECRET_KEYs of all services, as a JSON array */}}
{{- define "random.secretKeys" -}}
{{- $keys := list -}}
{{- range $component, $service := include "random.services" . | fromJson -}}
{{- $keys = append $keys (include "random.secretKey" (dict "root" $ "component" $component "service" $service)) -}}
{{- end -}}
{{- toJson $keys -}}
{{- end }}

{{/* The password of a service's role: root, component, service */}}
{{- define "random.databasePassword" -}}
{{- include "random.secretValue" (dict "root" .root "secret" (include "random.databaseSecretName" .) "key" "password" "given" .service.databasePassword "existing" .service.existingDatabaseSecret) -}}
{{- end }}

{{/* The password of the role that owns a service's schema: root, component, service */}}
{{- define "random.ownerPassword" -}}
{{- include "random.secretValue" (dict "root" .root "secret" (include "random.ownerSecretName" .) "key" "password" "given" .service.ownerPassword "existing" .service.existingOwnerSecret) -}}
{{- end }}

{{/* The Secret from which verifiable draws follow */}}
{{- define "random.drawSecretName" -}}
{{ .Values.verifiableDraws.existingSecret | default (printf "%s-numbers-draws" (include "random.fullname" .)) | include "random.string" }}
{{- end }}

{{/* The secret from which verifiable draws follow */}}
{{- define "random.drawSecret" -}}
{{- include "random.secretValue" (dict "root" . "secret" (include "random.drawSecretName" .) "key" "draw-secret" "given" .Values.verifiableDraws.secret "existing" .Values.verifiableDraws.existingSecret) -}}
{{- end }}

{{/* Not empty where a container makes verifiable draws: root, component, role (as in "random.serviceEnv") */}}
{{- define "random.drawsVerifiably" -}}
{{- if and .root.Values.verifiableDraws.enabled (eq .component "numbers") (ne .role "owner") }}true{{ end -}}
{{- end }}

{{/* The database administrator's password */}}
{{- define "random.adminPassword" -}}
{{- include "random.secretValue" (dict "root" . "secret" (include "random.adminSecretName" .) "key" "password" "given" .Values.database.adminPassword "existing" .Values.database.existingAdminSecret) -}}
{{- end }}

{{/*
The data of the Secret with the bundled database's certificate, as JSON: the one in the cluster, or
else a new certificate of a new CA, whose key is thrown away
*/}}
{{- define "random.tls" -}}
{{- if not (hasKey .Values "generatedTLS") -}}
{{- $data := include "random.secretData" (dict "root" . "secret" (include "random.tlsSecretName" .)) | fromJson -}}
{{- $isWhole := and (hasKey $data "ca.crt") (hasKey $data "tls.crt") (hasKey $data "tls.key") -}}
{{- if not (or $isWhole .Values.database.bundled.existingTLSSecret) -}}
{{- $host := include "random.databaseHost" . -}}
{{- $names := list -}}
{{- range list $host (printf "%s-postgresql" (include "random.fullname" .)) -}}
{{- $names = concat $names (list . (printf "%s.%s" . $.Release.Namespace) (printf "%s.%s.svc" . $.Release.Namespace)) -}}
{{- end -}}
{{- $ca := genCAWithKey (printf "%s CA" $host) 3650 (genPrivateKey "ecdsa") -}}
{{- $certificate := genSignedCertWithKey $host nil $names 3650 $ca (genPrivateKey "ecdsa") -}}
{{- $data = dict "ca.crt" (b64enc $ca.Cert) "tls.crt" (b64enc $certificate.Cert) "tls.key" (b64enc $certificate.Key) -}}
{{- end -}}
{{- $_ := set .Values "generatedTLS" $data -}}
{{- end -}}
{{- toJson .Values.generatedTLS -}}
{{- end }}

{{/*
A checksum for an annotation, which everybody who may read pods can see: keys, secrets, others (all
lists). The keys are random and secret, so that not even a weak password can be guessed from the
checksum. Where Helm cannot read them, the checksum is one that takes long to compute.
*/}}
{{- define "random.checksum" -}}
{{- $key := join "" .keys -}}
{{- $values := join "/" (concat .secrets .others) -}}
{{- if or $key (not (join "" .secrets)) -}}
{{- printf "%s/%s" $key $values | sha256sum -}}
{{- else -}}
{{- derivePassword 1 "long" $values "checksum" "random" | sha256sum -}}
{{- end -}}
{{- end }}

{{/* The checksum of what a service's pods read from Secrets: root, component, service */}}
{{- define "random.serviceChecksum" -}}
{{- $others := list (include "random.string" .root.Values.database.credentialsRevision) -}}
{{- if eq .root.Values.database.mode "bundled" -}}
{{- $others = append $others (get (include "random.tls" .root | fromJson) "ca.crt") -}}
{{- end -}}
{{- $secrets := prepend .service.secretKeyFallbacks (include "random.databasePassword" .) -}}
{{- if include "random.drawsVerifiably" . }}{{ $secrets = append $secrets (include "random.drawSecret" .root) }}{{ end -}}
{{- include "random.checksum" (dict "keys" (list (include "random.secretKey" .)) "secrets" $secrets "others" $others) -}}
{{- end }}

{{/* --- Containers of a service -------------------------------------------------------------- */}}

{{/* ALLOWED_HOSTS: root, component, service */}}
{{- define "random.allowedHosts" -}}
{{- $service := include "random.name" . -}}
{{- $namespace := .root.Release.Namespace -}}
{{- $hosts := list "localhost" "127.0.0.1" "[::1]" $service (printf "%s.%s" $service $namespace) (printf "%s.%s.svc" $service $namespace) (printf "%s.%s.svc.cluster.local" $service $namespace) -}}
{{- if .root.Values.ingress.enabled }}{{ $hosts = append $hosts .root.Values.ingress.host }}{{ end -}}
{{- if .root.Values.httpRoute.enabled }}{{ $hosts = concat $hosts .root.Values.httpRoute.hostnames }}{{ end -}}
{{/* A Gateway API wildcard is *.example.com, Django's is .example.com. */}}
{{- $written := list -}}
{{- range concat $hosts .service.allowedHosts }}{{ $written = append $written (regexReplaceAll "^[*][.]" . ".") }}{{ end -}}
{{- join "," $written -}}
{{- end }}

{{/*
The settings of a service, for its server and for manage.py: root, component, service, host (of the
database), role (service, which is the default, or owner)
*/}}
{{- define "random.serviceEnv" -}}
{{- include "random.databaseEnv" . }}
- name: DB_USER
  value: {{ printf "%s_%s" .component (.role | default "service") | quote }}
- name: DB_PASSWORD_FILE
  value: /run/secrets/database/password
- name: SECRET_KEY_FILE
  value: /run/secrets/django/secret-key
{{- if .service.secretKeyFallbacks }}
- name: SECRET_KEY_FALLBACKS_FILE
  value: /run/secrets/django/secret-key-fallbacks
{{- end }}
- name: ALLOWED_HOSTS
  value: {{ include "random.allowedHosts" . | quote }}
{{- with .service.csrfTrustedOrigins }}
- name: CSRF_TRUSTED_ORIGINS
  value: {{ join "," . | quote }}
{{- end }}
- name: SECURE_SSL_REDIRECT
  value: {{ .service.secureSSLRedirect | quote }}
- name: LOG_LEVEL
  value: {{ .service.logLevel | quote }}
- name: MAX_COUNT
  value: {{ int .service.maxCount | quote }}
- name: BROWSABLE_API
  value: {{ .service.browsableAPI | quote }}
- name: EXPOSE_INTERNAL_PATHS
  value: {{ .service.exposeInternalPaths | quote }}
{{- with .service.trustedProxies }}
- name: TRUSTED_PROXIES
  value: {{ join "," . | quote }}
{{- end }}
{{- if eq .root.Values.authentication "tokens" }}
{{- with .root.Values.jwt }}
- name: AUTH_JWKS_URL
  value: {{ .jwksURI | quote }}
- name: AUTH_ISSUER
  value: {{ .issuer | quote }}
- name: AUTH_AUDIENCE
  value: {{ first .audiences | quote }}
- name: AUTH_USER_CLAIM
  value: {{ .userClaim | quote }}
{{- end }}
{{- end }}
{{- if include "random.drawsVerifiably" . }}
- name: DRAW_SECRET_FILE
  value: /run/secrets/draws/draw-secret
{{- end }}
{{- range .service.extraEnv }}
- name: {{ .name | quote }}
  {{- if hasKey . "value" }}
  value: {{ include "random.string" .value | quote }}
  {{- end }}
  {{- with .valueFrom }}
  valueFrom:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* The volumeMounts of a service's containers: root, component, role (as in "random.serviceEnv") */}}
{{- define "random.serviceMounts" -}}
- name: tmp
  mountPath: /tmp
- name: django
  mountPath: /run/secrets/django
  readOnly: true
- name: database
  mountPath: /run/secrets/database
  readOnly: true
{{- if include "random.drawsVerifiably" . }}
- name: draws
  mountPath: /run/secrets/draws
  readOnly: true
{{- end }}
{{- include "random.caMount" .root }}
{{- end }}

{{/* The volumes of a service's pods: root, component, service, role (as in "random.serviceEnv") */}}
{{- define "random.serviceVolumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
- name: django
  secret:
    secretName: {{ include "random.secretName" . | quote }}
    defaultMode: 0440
    items:
      - key: secret-key
        path: secret-key
      {{- if .service.secretKeyFallbacks }}
      - key: secret-key-fallbacks
        path: secret-key-fallbacks
      {{- end }}
{{- $secret := eq .role "owner" | ternary "random.ownerSecretName" "random.databaseSecretName" }}
{{ include "random.passwordVolume" (dict "name" "database" "secret" (include $secret .)) }}
{{- if include "random.drawsVerifiably" . }}
- name: draws
  secret:
    secretName: {{ include "random.drawSecretName" .root | quote }}
    defaultMode: 0440
    items:
      - key: draw-secret
        path: draw-secret
{{- end }}
{{- include "random.caVolume" .root }}
{{- end }}

{{/* A volume with the password of a role: name, secret */}}
{{- define "random.passwordVolume" -}}
- name: {{ .name | quote }}
  secret:
    secretName: {{ .secret | quote }}
    defaultMode: 0440
    items:
      - key: password
        path: password
{{- end }}

{{/* The volume with ca.crt, where the server's certificate is verified by a CA of its own */}}
{{- define "random.caVolume" -}}
{{- with include "random.caSecret" . }}
- name: ca
  secret:
    secretName: {{ . | quote }}
    defaultMode: 0440
    items:
      - key: ca.crt
        path: ca.crt
{{- end }}
{{- end }}

{{/* Where the volume with ca.crt is mounted */}}
{{- define "random.caMount" -}}
{{- if include "random.caSecret" . }}
- name: ca
  mountPath: /run/secrets/ca
  readOnly: true
{{- end }}
{{- end }}

{{/* A shell script that runs a command until it succeeds, for some seconds: command, seconds, reason (printed when it gives up) */}}
{{- define "random.retry" -}}
trap 'exit 1' TERM
end=$(($(date +%s) + {{ int .seconds }}))
until {{ .command }} >/tmp/output 2>&1; do
  if [ "$(date +%s)" -ge "$end" ]; then
    tail -n 5 /tmp/output
    echo "{{ .reason }}"
    exit 1
  fi
  sleep 1
done
{{- end }}

{{/*
An init container that retries a manage.py command until it succeeds, at most for waitSeconds: root,
component, service, host, role, command, reason (printed when it gives up)
*/}}
{{- define "random.waitContainer" -}}
- name: wait
  image: {{ include "random.image" . | quote }}
  imagePullPolicy: {{ .service.image.pullPolicy | quote }}
  command:
    - sh
    - -c
    - |
      {{- $command := printf "python %s_project/manage.py %s" .component .command }}
      {{- include "random.retry" (dict "command" $command "seconds" .service.waitSeconds "reason" .reason) | nindent 6 }}
  env:
    {{- include "random.serviceEnv" . | nindent 4 }}
  volumeMounts:
    {{- include "random.serviceMounts" . | nindent 4 }}
  {{- include "random.resources" .service.resources | nindent 2 }}
  securityContext:
    {{- include "random.securityContext" . | nindent 4 }}
{{- end }}

{{/* A container's resources; a quantity may be a number: requests, limits */}}
{{- define "random.resources" -}}
{{- $written := dict -}}
{{- range $key, $quantities := . -}}
{{- with $quantities }}{{ $_ := set $written $key (include "random.strings" . | fromYaml) }}{{ end -}}
{{- end -}}
resources:
  {{- toYaml $written | nindent 2 }}
{{- end }}
