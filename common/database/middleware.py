"""Gives each request its time budget, and releases its connections."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from common.database.checks import refuse_owner
from common.database.deadline import request_budget
from common.database.pool import checkout

GetResponse = Callable[[HttpRequest], HttpResponse]


class DatabaseMiddleware:
    """Starts a request's time budget, and releases its connections before the answer is sent.

    Without `pool_connections` it releases nothing, and the budget only limits the wait for a batch.
    With the role of an owner in DB_USER, the service does not start.
    """

    def __init__(self, get_response: GetResponse) -> None:
        refuse_owner()
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with request_budget(), checkout():
            return self.get_response(request)
