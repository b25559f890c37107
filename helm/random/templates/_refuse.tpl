{{/* Pods of a service that may be there at once: the most, one that a rollout adds, one that leaves */}}
{{- define "random.pods" -}}
{{- $most := ternary .service.autoscaling.maxReplicas .service.replicas .service.autoscaling.enabled -}}
{{- add (int $most) 2 -}}
{{- end }}

{{/* Connections that the poolers hold for one service */}}
{{- define "random.poolerConnections" -}}
{{- $cnpg := .Values.database.cnpg -}}
{{- /* A replica that has just been promoted may still have those that read from it. */ -}}
{{- mul (ternary 2 1 $cnpg.readFromReplicas) (int $cnpg.pooler.instances) (int $cnpg.pooler.poolSize) -}}
{{- end }}

{{/* Connections for a service's migrations and for the init container of each pod */}}
{{- define "random.commandConnections" -}}
{{- add 1 (include "random.pods" . | int) -}}
{{- end }}

{{/* Connections that the requests to a service may need of one PostgreSQL, root, service */}}
{{- define "random.requestConnections" -}}
{{- $database := .root.Values.database -}}
{{- if eq $database.mode "cloudnative-pg" -}}
{{- include "random.poolerConnections" .root -}}
{{- else -}}
{{- /* A replica that has just been promoted may still have those that read from it. */ -}}
{{- $hosts := ternary 2 1 (and (eq $database.mode "external") (ne $database.external.readHost "")) -}}
{{- mul $hosts (include "random.pods" . | int) (int .service.workers) (int .service.connections) -}}
{{- end -}}
{{- end }}

{{/* All connections that a service may need: root, service */}}
{{- define "random.neededConnections" -}}
{{- add (include "random.requestConnections" . | int) (include "random.commandConnections" . | int) -}}
{{- end }}

{{/* Connections that are no service's: PostgreSQL's superuser_reserved_connections, and two for provisioning */}}
{{- define "random.reservedConnections" -}}
{{- add 3 2 -}}
{{- end }}

{{/*
The most connections of a service's role (root, component): all that the other does not need. A rollout
from more workers to fewer needs more than the new pods do.
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

{{/* Refuses values that contradict each other, with a sentence */}}
{{- define "random.refuse" -}}
{{- $database := .Values.database -}}
{{- if not (regexMatch "^[a-z][-a-z0-9]{0,39}$" (include "random.fullname" .)) -}}
{{- fail "The release's name begins the names of Services: a letter, then letters, digits and hyphens, 40 characters at most; set fullnameOverride." -}}
{{- end -}}

{{- range $name, $service := include "random.services" . | fromJson -}}
{{- if and $service.autoscaling.enabled (gt (int $service.autoscaling.minReplicas) (int $service.autoscaling.maxReplicas)) -}}
{{- fail (printf "%s.autoscaling.minReplicas is more than maxReplicas." $name) -}}
{{- end -}}
{{- /* gunicorn's graceful_timeout in common/gunicorn.conf.py */ -}}
{{- $stop := add (int $service.preStopSeconds) 25 -}}
{{- if le (int $service.terminationGracePeriodSeconds) (int $stop) -}}
{{- fail (printf "%s.terminationGracePeriodSeconds has to be more than preStopSeconds + gunicorn's 25 = %d seconds, or requests are cut off." $name (int $stop)) -}}
{{- end -}}
{{- if and (eq $database.mode "external") (not $database.provision) (not $service.existingDatabaseSecret) (not $service.databasePassword) -}}
{{- fail (printf "Without database.provision the role exists already: give its password in %s.existingDatabaseSecret." $name) -}}
{{- end -}}
{{- end -}}

{{- if eq $database.mode "external" -}}
{{- if not $database.external.host -}}
{{- fail "database.mode external needs database.external.host." -}}
{{- end -}}
{{- if and $database.provision (not $database.existingAdminSecret) -}}
{{- fail "Provisioning an external database needs database.existingAdminSecret; or run `python -m common.provision` yourself and set database.provision=false." -}}
{{- end -}}
{{- if and (hasPrefix "verify-" (include "random.sslmode" .)) (not $database.external.caSecret) -}}
{{- fail "database.sslmode verify-ca and verify-full need database.external.caSecret." -}}
{{- end -}}
{{- else if not $database.provision -}}
{{- fail "database.provision=false is for database.mode external only: nobody else provisions a new database." -}}
{{- end -}}
{{- if and (eq $database.mode "bundled") (not (has (include "random.sslmode" .) (list "disable" "allow" "prefer"))) -}}
{{- fail "The bundled database has no certificate: database.sslmode is disable, allow or prefer." -}}
{{- end -}}
{{- if and (eq $database.mode "cloudnative-pg") (eq (include "random.sslmode" .) "verify-full") -}}
{{- fail "The operator's certificate does not name its pooler: use database.sslmode verify-ca." -}}
{{- end -}}
{{- if and $database.cnpg.readFromReplicas (lt (int $database.cnpg.instances) 2) -}}
{{- fail "database.cnpg.readFromReplicas needs a replica: set database.cnpg.instances to 2 or more." -}}
{{- end -}}
{{- if and $database.cnpg.backup.enabled (not $database.cnpg.backup.objectStore) -}}
{{- fail "database.cnpg.backup needs objectStore, the name of the plugin's ObjectStore." -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- fail "ingress needs ingress.host: a service answers only to hosts that it knows." -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not (and .Values.httpRoute.parentRefs .Values.httpRoute.hostnames)) -}}
{{- fail "httpRoute needs parentRefs, the Gateways that serve it, and hostnames." -}}
{{- end -}}
{{- if .Values.jwt.enabled -}}
{{- if not .Values.httpRoute.enabled -}}
{{- fail "jwt protects the HTTPRoutes: set httpRoute.enabled too." -}}
{{- end -}}
{{- if not (and .Values.jwt.issuer .Values.jwt.jwksURI) -}}
{{- fail "jwt needs issuer and jwksURI." -}}
{{- end -}}
{{- if .Values.ingress.enabled -}}
{{- fail "jwt protects the HTTPRoutes only, and the Ingresses would lead past it: set ingress.enabled=false." -}}
{{- end -}}
{{- end -}}
{{- include "random.refuseConnections" . -}}
{{- end }}

{{/* Refuses a set-up that may need more connections than PostgreSQL has */}}
{{- define "random.refuseConnections" -}}
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
{{- if eq $.Values.database.mode "cloudnative-pg" -}}
{{- $sum = append $sum (printf "%d by the poolers for %s" $requests $name) -}}
{{- else -}}
{{- $twice := gt $requests (int (mul $pods $connections)) | ternary ", twice where the replica is promoted" "" -}}
{{- $sum = append $sum (printf "%d for %s (%d pods in a rollout × %d workers × %d connections%s)" $requests $name $pods (int $service.workers) (int $service.connections) $twice) -}}
{{- end -}}
{{- $sum = append $sum (printf "%d for its commands" (include "random.commandConnections" $context | int)) -}}
{{- end -}}
{{- if gt $needed (int .Values.database.maxConnections) -}}
{{- fail (printf "PostgreSQL may be asked for %d connections and has database.maxConnections=%d: %s." $needed (int .Values.database.maxConnections) (join " + " $sum)) -}}
{{- end -}}
{{- if eq .Values.database.mode "cloudnative-pg" -}}
{{- $pooler := .Values.database.cnpg.pooler -}}
{{- /* All clients, should the other poolers be away. */ -}}
{{- if gt $clients (int $pooler.maxClientConnections) -}}
{{- fail (printf "A pooler may be asked for %d clients and has database.cnpg.pooler.maxClientConnections=%d." $clients (int $pooler.maxClientConnections)) -}}
{{- end -}}
{{- end -}}
{{- end }}
