"""What a gateway may not reach: the admin, the probes and the metrics."""

from django.conf import settings
from django.http import HttpRequest

# Gateways add one of these; kubelets, Prometheus and `kubectl port-forward` do not.
HEADERS = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_REAL_IP",
    "HTTP_FORWARDED",
    "HTTP_VIA",
)


def is_outside(request: HttpRequest) -> bool:
    """Return whether a gateway forwarded the request, and EXPOSE_INTERNAL_PATHS is false."""
    return not settings.EXPOSE_INTERNAL_PATHS and any(one in request.META for one in HEADERS)
