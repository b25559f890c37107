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

logger = logging.getLogger(__name__)

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

duration = Histogram(
    "http_request_duration_seconds",
    "Time from a request's arrival until its answer is ready; of a stream, until its first rows.",
    ["method", "view", "status"],
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
# Without the cache the lookup of the labels takes as long as all the rest.
series = cache(duration.labels)


class MetricsMiddleware:
    """Count requests, and how long they take.

    The cardinality of the labels is bounded: unknown methods and paths are counted as one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        start = time.perf_counter()
        response = self.get_response(request)
        method = request.method if request.method in METHODS else "other"
        view = request.resolver_match.view_name if request.resolver_match else "none"
        try:
            series(method, view, response.status_code).observe(time.perf_counter() - start)
        except OSError:
            logger.exception("A request was not counted.")
        return response


def metrics() -> HttpResponse:
    """Answer with the counts of all processes; without a shared folder, with those of this one."""
    registry = REGISTRY
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        Path(folder).mkdir(mode=0o700, exist_ok=True)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
