"""The probes /livez and /readyz, for Kubernetes and scripts that wait for startup; /metrics."""

from collections.abc import Callable

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from common.api.errors import RETRY_AFTER, error_response, not_found
from common.api.forwarded import is_outside
from common.database.errors import DATABASE_ERRORS, is_overloaded
from common.observability.metrics import metrics


class ProbeMiddleware:
    """Answers probes before the Host header is checked: a kubelet sends the pod's address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = PROBES.get(request.path_info.rstrip("/"))
        if probe is None:
            return self.get_response(request)
        if is_outside(request):
            return not_found(request)
        if request.method not in ("GET", "HEAD"):
            response = error_response(request, 405, "Use GET or HEAD here.")
            response.headers["Allow"] = "GET, HEAD"
            return response
        return probe()


def live() -> HttpResponse:
    """Return 200 while the process can answer, without asking the database."""
    return JsonResponse({"process": "ok"})


def ready() -> HttpResponse:
    """Return 200 if this service's database answers and its migrations are applied, else 503."""
    try:
        pending = pending_migrations()
    except DATABASE_ERRORS as error:
        if is_overloaded(error):
            return not_ready("database", "Too many requests are waiting for the database.")
        return not_ready("database", "The database does not answer. Check it and the DB_ settings.")
    if pending:
        return not_ready(
            "migrations", f"Migrations are missing: {', '.join(pending)}. Run migrate."
        )
    return JsonResponse({"database": "ok", "migrations": "ok"})


def pending_migrations() -> list[str]:
    """Return the names of the migrations that have not been applied."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def not_ready(check: str, sentence: str) -> HttpResponse:
    """Return a 503 that names the failed check."""
    response = JsonResponse({"error": sentence, check: "failed"}, status=503)
    response.headers["Retry-After"] = RETRY_AFTER
    return response


PROBES = {"/livez": live, "/readyz": ready, "/metrics": metrics}
