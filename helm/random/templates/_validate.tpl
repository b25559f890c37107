{{/*
The connection budget: the chart refuses to render where a rollout could open more connections than
PostgreSQL has. For each service:

  pods     = maxReplicas (replicas without autoscaling) + 1 that a rollout adds (maxSurge)
             + 1 that still drains
  requests = pods × workers × connections
             × 2 where external.readHost is set: a replica that has just been promoted may still hold
             the connections of the list requests. With cloudnative-pg the poolers open them:
             pooler.instances × pooler.poolSize, × 2 where readFromReplicas is on
  commands = pods (`migrate --check` in the init container of each)
             + 1 of the role that owns the tables for the migration Job, and 1 for the CronJob of
             retention

and for all of them:

  3 (PostgreSQL's superuser_reserved_connections) + 2 (the provisioning Job)
    + the sum of requests + commands over the services  ≤  database.maxConnections

The defaults: 5 pods = 3 + 1 + 1, 40 requests = 5 × 2 × 4, 6 commands = 5 + 1 for each of the two
services, hence 3 + 2 + 2 × (40 + 6) = 97 ≤ 100.
*/}}

{{/* The pods of a service that may exist at once during a rollout: service */}}
{{- define "random.pods" -}}
{{- $most := ternary .service.autoscaling.maxReplicas .service.replicas .service.autoscaling.enabled -}}
{{- add (int $most) 2 -}}
{{- end }}

{{/* Connections that the requests to a service may need on one PostgreSQL: root, service */}}
{{- define "random.requestConnections" -}}
{{- $database := .root.Values.database -}}
{{- if eq $database.mode "cloudnative-pg" -}}
{{- mul (ternary 2 1 $database.cnpg.readFromReplicas) (int $database.cnpg.pooler.instances) (int $database.cnpg.pooler.poolSize) -}}
{{- else -}}
{{- $hosts := ternary 2 1 (and (eq $database.mode "external") (include "random.databaseReadHost" .root | empty | not)) -}}
{{- mul $hosts (include "random.pods" . | int) (int .service.workers) (int .service.connections) -}}
{{- end -}}
{{- end }}

{{/* Connections of the role that owns a service's tables, for migrations and retention: root, service */}}
{{- define "random.ownerConnections" -}}
{{- and .root.Values.retention.enabled (eq .service.name "numbers") | ternary 2 1 -}}
{{- end }}

{{/* Those, and one for the init container of each pod: root, service */}}
{{- define "random.commandConnections" -}}
{{- add (include "random.ownerConnections" . | int) (include "random.pods" . | int) -}}
{{- end }}

{{/* All connections that a service may need: root, service */}}
{{- define "random.neededConnections" -}}
{{- add (include "random.requestConnections" . | int) (include "random.commandConnections" . | int) -}}
{{- end }}

{{/* Connections outside the services: superuser_reserved_connections, and two for the provisioning Job */}}
{{- define "random.reservedConnections" -}}
{{- add 3 2 -}}
{{- end }}

{{/*
The CONNECTION LIMIT of a service's role: root, component. It is everything that the other services and
the owner of its tables do not need, not just the service's own share: during a rollout to fewer workers
the old pods still hold more connections than the new values account for.
*/}}
{{- define "random.connectionLimit" -}}
{{- $limit := sub (int .root.Values.database.maxConnections) (include "random.reservedConnections" .root | int) -}}
{{- range $name, $service := include "random.services" .root | fromJson -}}
{{- $needed := eq $name $.component | ternary "random.ownerConnections" "random.neededConnections" -}}
{{- $limit = sub $limit (include $needed (dict "root" $.root "service" $service) | int) -}}
{{- end -}}
{{- $limit -}}
{{- end }}

{{/* Fails where values contradict each other, with a sentence that says what to change */}}
{{- define "random.validate" -}}
{{- if eq (get .Values "enabled" | toString) "false" -}}
{{- fail "enabled=false works for the condition of a dependency in an umbrella chart only: here, install nothing." -}}
{{- end -}}
{{- include "random.validateName" . -}}
{{- range $name, $service := include "random.services" . | fromJson -}}
{{- include "random.validateService" (dict "root" $ "service" $service) -}}
{{- end -}}
{{- include "random.validateDatabase" . -}}
{{- include "random.validateEntries" . -}}
{{- include "random.validateTokens" . -}}
{{- include "random.validateConnections" . -}}
{{- end }}

{{/* The length that the prefix of all names may have: what follows it counts towards the limits */}}
{{- define "random.longestFullname" -}}
{{- /* Kubernetes puts the names of Jobs, and of a StatefulSet's revisions, into labels. */ -}}
{{- $limits := dict "-provision-01234567" 63 "-postgresql-0123456789" 63 "-retention" 52 -}}
{{- range include "random.serviceNames" . | fromJsonArray -}}
{{- $_ := set $limits (printf "-%s-migrate-01234567" .) 63 -}}
{{- end -}}
{{- if eq .Values.database.mode "cloudnative-pg" }}{{ $_ := set $limits "-postgresql" 50 }}{{ end -}}
{{- $longest := 63 -}}
{{- range $suffix, $limit := $limits }}{{ $longest = min $longest (sub $limit (len $suffix)) }}{{ end -}}
{{- $longest -}}
{{- end }}

{{- define "random.validateName" -}}
{{- $fullname := include "random.fullname" . -}}
{{- $longest := include "random.longestFullname" . | int -}}
{{- if not (and (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $fullname) (le (len $fullname) $longest)) -}}
{{- fail (printf "The release name is the prefix of all names, so it must be a lowercase letter followed by lowercase letters, digits and hyphens, %d characters at most: longer names would not fit into the labels of Jobs. %q has %d. Use another, or set fullnameOverride." $longest $fullname (len $fullname)) -}}
{{- end -}}
{{- /* All charts of an umbrella chart see the same .Release. */ -}}
{{- $prefixes := get .Release "prefixes of the chart random" | default dict -}}
{{- $_ := set .Release "prefixes of the chart random" $prefixes -}}
{{- if ne (get $prefixes $fullname | default .Template.BasePath) .Template.BasePath -}}
{{- fail (printf "Two aliases of this chart would both name their objects %s-…: set another fullnameOverride for one of them." $fullname) -}}
{{- end -}}
{{- $_ := set $prefixes $fullname .Template.BasePath -}}
{{- end }}

{{/* root, service */}}
{{- define "random.validateService" -}}
{{- $name := .service.name -}}
{{- $database := .root.Values.database -}}
{{- if not .service.image.repository -}}
{{- fail (printf "%s.image.repository is empty: set it to the service's image. (A bare `%s:` in a file of values removes the default; leave the line out.)" $name $name) -}}
{{- end -}}
{{- if and .service.autoscaling.enabled (gt (int .service.autoscaling.minReplicas) (int .service.autoscaling.maxReplicas)) -}}
{{- fail (printf "%s.autoscaling.minReplicas is greater than maxReplicas." $name) -}}
{{- end -}}
{{- /* 25 is graceful_timeout in gunicorn's configuration. */ -}}
{{- $stop := add (int .service.preStopSeconds) 25 -}}
{{- if le (int .service.terminationGracePeriodSeconds) (int $stop) -}}
{{- fail (printf "%s.terminationGracePeriodSeconds must be greater than preStopSeconds + gunicorn's graceful_timeout of 25 = %d seconds, or requests in flight are killed." $name (int $stop)) -}}
{{- end -}}
{{- if and .service.existingSecret .service.secretKeyFallbacks -}}
{{- fail (printf "%s.secretKeyFallbacks goes into the Secret that the chart makes, but %s.existingSecret names another: set SECRET_KEY_FALLBACKS in %s.extraEnv, with a secretKeyRef." $name $name $name) -}}
{{- end -}}
{{- range .service.extraEnv -}}
{{- if eq .name "DEBUG" -}}
{{- fail (printf "%s.extraEnv sets DEBUG, whose pages show settings and data to everybody who causes an error: run it on your own machine instead." $name) -}}
{{- end -}}
{{- end -}}
{{- if and (eq $database.mode "external") (not $database.provision) -}}
{{- if not (or .service.existingDatabaseSecret .service.databasePassword) -}}
{{- fail (printf "With database.provision=false the service's role exists already: put its password into a Secret, and set %s.existingDatabaseSecret." $name) -}}
{{- end -}}
{{- if not (or .service.existingOwnerSecret .service.ownerPassword) -}}
{{- fail (printf "With database.provision=false the role %s_owner, which runs the migrations, exists already: put its password into a Secret, and set %s.existingOwnerSecret." $name $name) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "random.validateDatabase" -}}
{{- $database := .Values.database -}}
{{- $sslmode := include "random.sslmode" . -}}
{{- if eq $database.mode "external" -}}
{{- if not $database.external.host -}}
{{- fail "database.mode=external needs database.external.host." -}}
{{- end -}}
{{- if and $database.provision (not $database.existingAdminSecret) -}}
{{- fail "Provisioning an external database needs database.existingAdminSecret. Set it, or run `python -m common.provision` yourself and set database.provision=false." -}}
{{- end -}}
{{- $verifies := include "random.verifies" . -}}
{{- if and $verifies (not (or $database.external.caSecret $database.external.systemCAs)) -}}
{{- fail (printf "database.sslmode=%s needs the CA of the server's certificate: set database.external.caSecret, or database.external.systemCAs=true if a public CA has signed it." $sslmode) -}}
{{- end -}}
{{- if and $database.external.caSecret $database.external.systemCAs -}}
{{- fail "database.external.caSecret and database.external.systemCAs exclude each other: set one of them." -}}
{{- end -}}
{{- else if not $database.provision -}}
{{- fail "database.provision=false works with database.mode=external only: a new database is provisioned by the chart's Job." -}}
{{- end -}}
{{- if and (eq $database.mode "cloudnative-pg") (eq $sslmode "verify-full") -}}
{{- fail "The operator's certificate does not list the pooler's host name: set database.sslmode=verify-ca." -}}
{{- end -}}
{{- if and $database.cnpg.readFromReplicas (lt (int $database.cnpg.instances) 2) -}}
{{- fail "database.cnpg.readFromReplicas needs a replica: set database.cnpg.instances to 2 or more." -}}
{{- end -}}
{{- if and .Values.prometheusRule.enabled (eq $database.mode "external") -}}
{{- fail "prometheusRule watches the volume of a database in the cluster: with database.mode=external, set prometheusRule.enabled=false, and an alert where that server runs." -}}
{{- end -}}
{{- if and $database.cnpg.backup.enabled (not $database.cnpg.backup.objectStore) -}}
{{- fail "database.cnpg.backup.enabled needs database.cnpg.backup.objectStore, the name of the plugin's ObjectStore." -}}
{{- end -}}
{{- end }}

{{/* Fails where an entry to the cluster is incomplete, or where nobody is said to authenticate its clients */}}
{{- define "random.validateEntries" -}}
{{- $jwt := .Values.jwt -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- fail "ingress.enabled needs ingress.host: the services answer only requests for a host in ALLOWED_HOSTS." -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not (and .Values.httpRoute.parentRefs .Values.httpRoute.hostnames)) -}}
{{- fail "httpRoute.enabled needs httpRoute.parentRefs, the Gateways to attach to, and httpRoute.hostnames." -}}
{{- end -}}
{{- if $jwt.enabled -}}
{{- if not .Values.httpRoute.enabled -}}
{{- fail "jwt protects HTTPRoutes only: set httpRoute.enabled=true too." -}}
{{- end -}}
{{- if not (and $jwt.issuer $jwt.jwksURI) -}}
{{- fail "jwt.enabled needs jwt.issuer and jwt.jwksURI." -}}
{{- end -}}
{{- if not $jwt.audiences -}}
{{- fail "jwt.enabled needs jwt.audiences: otherwise tokens that the issuer made for other applications would be accepted." -}}
{{- end -}}
{{- if .Values.ingress.enabled -}}
{{- fail "jwt protects HTTPRoutes only, and an Ingress would bypass it: set ingress.enabled=false." -}}
{{- end -}}
{{- if not (has .Values.authentication (list "" "jwt" "tokens")) -}}
{{- fail (printf "jwt.enabled authenticates the clients, but authentication=%s says something else: leave one of them out." .Values.authentication) -}}
{{- end -}}
{{- else if eq .Values.authentication "jwt" -}}
{{- fail "authentication=jwt needs jwt.enabled=true." -}}
{{- else if and (or .Values.ingress.enabled .Values.httpRoute.enabled) (not .Values.authentication) -}}
{{- fail "The services have no accounts, so that everybody who reaches ingress or httpRoute may call them. Set jwt.enabled=true; or authentication=tokens if the services shall verify tokens; or authentication=gateway if something in front of them authenticates the clients; or authentication=none if everybody may call them." -}}
{{- end -}}
{{- end }}

{{/* Fails where the services could not verify tokens, and where a secret has two sources */}}
{{- define "random.validateTokens" -}}
{{- $jwt := .Values.jwt -}}
{{- if eq .Values.authentication "tokens" -}}
{{- if not (and $jwt.issuer (hasPrefix "https://" $jwt.jwksURI) (eq (len $jwt.audiences) 1)) -}}
{{- fail "authentication=tokens needs jwt.issuer, jwt.jwksURI with https://, and exactly one entry in jwt.audiences: the services verify tokens by them." -}}
{{- end -}}
{{- else if or $jwt.userClaim $jwt.cidrs -}}
{{- fail "jwt.userClaim and jwt.cidrs are for services that verify tokens themselves: set authentication=tokens, or leave them out." -}}
{{- end -}}
{{- if and .Values.verifiableDraws.secret .Values.verifiableDraws.existingSecret -}}
{{- fail "verifiableDraws.secret goes into the Secret that the chart makes, but verifiableDraws.existingSecret names another: leave one of them out." -}}
{{- end -}}
{{- end }}

{{/* Fails where the connection budget above does not fit, and prints the sum */}}
{{- define "random.validateConnections" -}}
{{- $isPooled := eq .Values.database.mode "cloudnative-pg" -}}
{{- $needed := include "random.reservedConnections" . | int -}}
{{- $sum := list "3 reserved" "2 for provisioning" -}}
{{- $clients := 0 -}}
{{- range $name, $service := include "random.services" . | fromJson -}}
{{- $context := dict "root" $ "service" $service -}}
{{- $needed = add $needed (include "random.neededConnections" $context | int) | int -}}
{{- $pods := include "random.pods" $context | int -}}
{{- $connections := mul (int $service.workers) (int $service.connections) | int -}}
{{- $clients = add $clients (mul $pods $connections) | int -}}
{{- $requests := include "random.requestConnections" $context | int -}}
{{- if $isPooled -}}
{{- $sum = append $sum (printf "%d by the poolers for %s" $requests $name) -}}
{{- else -}}
{{- $twice := gt $requests (int (mul $pods $connections)) | ternary ", twice in case the replica is promoted" "" -}}
{{- $sum = append $sum (printf "%d for %s (%d pods in a rollout × %d workers × %d connections%s)" $requests $name $pods (int $service.workers) (int $service.connections) $twice) -}}
{{- end -}}
{{- $sum = append $sum (printf "%d for its init containers and migrations" (include "random.commandConnections" $context | int)) -}}
{{- end -}}
{{- if gt $needed (int .Values.database.maxConnections) -}}
{{- $advice := ternary "database.cnpg.pooler.poolSize" "maxReplicas, workers or connections" $isPooled -}}
{{- fail (printf "A rollout may open %d connections to PostgreSQL, but database.maxConnections=%d: %s. Raise database.maxConnections, or lower %s." $needed (int .Values.database.maxConnections) (join " + " $sum) $advice) -}}
{{- end -}}
{{- if $isPooled -}}
{{- $pooler := .Values.database.cnpg.pooler -}}
{{- /* One PgBouncer has to take all clients while the others are down. */ -}}
{{- if gt $clients (int $pooler.maxClientConnections) -}}
{{- fail (printf "A rollout may open %d client connections to one PgBouncer, but database.cnpg.pooler.maxClientConnections=%d." $clients (int $pooler.maxClientConnections)) -}}
{{- end -}}
{{- end -}}
{{- end }}
