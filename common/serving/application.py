"""What gunicorn serves: Django, made fit for requests of any kind and databases in any state."""

from importlib import import_module
from typing import Any

import django
from django.conf import settings
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries
from psycopg2.extensions import set_wait_callback

from common.database import deadline
from common.database.base import DatabaseWrapper
from common.database.pool import Pool
from common.limits import DB_CONNECTIONS


class Request(WSGIRequest):
    """A request whose Content-Type cannot break it.

    Django raises where a header names an encoding that does not exist or is none for text, and it
    does so before any middleware could answer.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc]
            readable = (self.encoding or "utf-8").lower() in ("utf-8", "utf8")
        except (LookupError, ValueError):
            readable = False
        if not readable:
            self._encoding = None
            # Nothing parses this, so a body of it is answered with 415.
            meta["CONTENT_TYPE"] = self.content_type = "unreadable"
            self.content_params = {}


class Handler(WSGIHandler):
    """Django's handler, with the request above."""

    request_class = Request


def get_application() -> Handler:
    """Return a service's WSGI application; DJANGO_SETTINGS_MODULE says which service."""
    django.setup(set_prefix=False)
    set_wait_callback(deadline.wait)
    DatabaseWrapper.pools = {alias: Pool(DB_CONNECTIONS) for alias in settings.DATABASES}
    # The pool looks at connections when it lends them. ConnectionMiddleware gives them back, and
    # streams do so themselves (common/lists.py). Nobody reads the list of queries, there are no
    # caches, and no request has a URL configuration of its own.
    request_started.disconnect(close_old_connections)
    request_started.disconnect(reset_queries)
    request_finished.disconnect(close_old_connections)
    request_finished.disconnect(close_caches)
    request_finished.disconnect(reset_urlconf)
    # The views, and what looks up PostgreSQL's host: once for all processes, each of which would
    # otherwise import them at its first request.
    for module in (settings.ROOT_URLCONF, "gevent.resolver.thread"):
        import_module(module)
    return Handler()
