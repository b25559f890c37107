"""Metrics for Prometheus, summed over all processes of a service."""

import logging
import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from common.observability import metric_files

logger = logging.getLogger(__name__)

metric_files.install()

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

duration = Histogram(
    "http_request_duration_seconds",
    "Time to an answer, or to a stream's first rows, once the request's body has been read.",
    ["method", "view", "status"],
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)


# Without the cache, looking up the labels takes as long as all other work here.
@cache
def series(*labels: object) -> Histogram | None:
    """Return where requests with these labels are counted, or None if there is no room for them."""
    try:
        return duration.labels(*labels)
    except OSError:
        logger.exception("Requests with the labels %s are missing from the metrics.", labels)
        return None


class MetricsMiddleware:
    """Observes the duration of each request.

    Label cardinality is bounded: all unknown methods share one label, and so do all unknown paths.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        start = time.perf_counter()
        response = self.get_response(request)
        method = request.method if request.method in METHODS else "other"
        view = request.resolver_match.view_name if request.resolver_match else "none"
        if observed := series(method, view, response.status_code):
            observed.observe(time.perf_counter() - start)
        return response


def metrics() -> HttpResponse:
    """Return the metrics of all processes, or only of this one if they do not share a folder."""
    registry = REGISTRY
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        Path(folder).mkdir(mode=0o700, exist_ok=True)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
