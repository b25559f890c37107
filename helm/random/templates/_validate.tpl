{{/*
The connection budget: the chart refuses to render where a rollout could open more connections than
PostgreSQL has. For each service:

  pods     = maxReplicas (replicas without autoscaling) + 1 that a rollout adds (maxSurge)
             + 1 that still drains
  requests = pods × workers × connections
             × 2 where external.readHost is set: a replica that has just been promoted may still hold
             the connections of the list requests. With cloudnative-pg the poolers open them:
             pooler.instances × pooler.poolSize, × 2 where readFromReplicas is on
  commands = pods (`migrate --check` in the init container of each) + 1 for the migration Job

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
{{- $hosts := ternary 2 1 (and (eq $database.mode "external") (ne $database.external.readHost "")) -}}
{{- mul $hosts (include "random.pods" . | int) (int .service.workers) (int .service.connections) -}}
{{- end -}}
{{- end }}

{{/* Connections for a service's migrations and for the init container of each pod: service */}}
{{- define "random.commandConnections" -}}
{{- add 1 (include "random.pods" . | int) -}}
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
The CONNECTION LIMIT of a service's role: root, component. It is everything that the other services do
not need, not just the service's own share: during a rollout to fewer workers the old pods still hold
more connections than the new values account for.
*/}}
{{- define "random.connectionLimit" -}}
{{- $limit := sub (int .root.Values.database.maxConnections) (include "random.reservedConnections" .root | int) -}}
{{- range $name, $service := include "random.services" .root | fromJson -}}
{{- if ne $name $.component -}}
{{- $limit = sub $limit (include "random.neededConnections" (dict "root" $.root "service" $service) | int) -}}
{{- end -}}
{{- end -}}
{{- $limit -}}
{{- end }}

{{/* Fails where values contradict each other, with a sentence that says what to change */}}
{{- define "random.validate" -}}
{{- $database := .Values.database -}}
{{- if not (regexMatch "^[a-z][-a-z0-9]{0,39}$" (include "random.fullname" .)) -}}
{{- fail "The release name is the prefix of the Services' names, so it must be a lowercase letter followed by lowercase letters, digits and hyphens, 40 characters at most. Use another, or set fullnameOverride." -}}
{{- end -}}

{{- range $name, $service := include "random.services" . | fromJson -}}
{{- if and $service.autoscaling.enabled (gt (int $service.autoscaling.minReplicas) (int $service.autoscaling.maxReplicas)) -}}
{{- fail (printf "%s.autoscaling.minReplicas is greater than maxReplicas." $name) -}}
{{- end -}}
{{- /* 25 is graceful_timeout in gunicorn's configuration. */ -}}
{{- $stop := add (int $service.preStopSeconds) 25 -}}
{{- if le (int $service.terminationGracePeriodSeconds) (int $stop) -}}
{{- fail (printf "%s.terminationGracePeriodSeconds must be greater than preStopSeconds + gunicorn's graceful_timeout of 25 = %d seconds, or requests in flight are killed." $name (int $stop)) -}}
{{- end -}}
{{- if and (eq $database.mode "external") (not $database.provision) (not $service.existingDatabaseSecret) (not $service.databasePassword) -}}
{{- fail (printf "With database.provision=false the service's role exists already: put its password into a Secret, and set %s.existingDatabaseSecret." $name) -}}
{{- end -}}
{{- end -}}

{{- if eq $database.mode "external" -}}
{{- if not $database.external.host -}}
{{- fail "database.mode=external needs database.external.host." -}}
{{- end -}}
{{- if and $database.provision (not $database.existingAdminSecret) -}}
{{- fail "Provisioning an external database needs database.existingAdminSecret. Set it, or run `python -m common.provision` yourself and set database.provision=false." -}}
{{- end -}}
{{- if and (hasPrefix "verify-" (include "random.sslmode" .)) (not $database.external.caSecret) -}}
{{- fail "database.sslmode verify-ca and verify-full need database.external.caSecret." -}}
{{- end -}}
{{- else if not $database.provision -}}
{{- fail "database.provision=false works with database.mode=external only: a new database is provisioned by the chart's Job." -}}
{{- end -}}
{{- if and (eq $database.mode "bundled") (not (has (include "random.sslmode" .) (list "disable" "allow" "prefer"))) -}}
{{- fail "The bundled database has no certificate: set database.sslmode to disable, allow or prefer." -}}
{{- end -}}
{{- if and (eq $database.mode "cloudnative-pg") (eq (include "random.sslmode" .) "verify-full") -}}
{{- fail "The operator's certificate does not list the pooler's host name: set database.sslmode=verify-ca." -}}
{{- end -}}
{{- if and $database.cnpg.readFromReplicas (lt (int $database.cnpg.instances) 2) -}}
{{- fail "database.cnpg.readFromReplicas needs a replica: set database.cnpg.instances to 2 or more." -}}
{{- end -}}
{{- if and $database.cnpg.backup.enabled (not $database.cnpg.backup.objectStore) -}}
{{- fail "database.cnpg.backup.enabled needs database.cnpg.backup.objectStore, the name of the plugin's ObjectStore." -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- fail "ingress.enabled needs ingress.host: the services answer only requests for a host in ALLOWED_HOSTS." -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not (and .Values.httpRoute.parentRefs .Values.httpRoute.hostnames)) -}}
{{- fail "httpRoute.enabled needs httpRoute.parentRefs, the Gateways to attach to, and httpRoute.hostnames." -}}
{{- end -}}
{{- if .Values.jwt.enabled -}}
{{- if not .Values.httpRoute.enabled -}}
{{- fail "jwt protects HTTPRoutes only: set httpRoute.enabled=true too." -}}
{{- end -}}
{{- if not (and .Values.jwt.issuer .Values.jwt.jwksURI) -}}
{{- fail "jwt.enabled needs jwt.issuer and jwt.jwksURI." -}}
{{- end -}}
{{- if .Values.ingress.enabled -}}
{{- fail "jwt protects HTTPRoutes only, and an Ingress would bypass it: set ingress.enabled=false." -}}
{{- end -}}
{{- end -}}
{{- include "random.validateConnections" . -}}
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
