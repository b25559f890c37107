"""What a request needs of the database room: a time budget, and its connections given back."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from common.database.deadline import request_budget
from common.database.pool import checkout

GetResponse = Callable[[HttpRequest], HttpResponse]


class DatabaseMiddleware:
    """Start a request's time budget, and return its connections before the answer is sent.

    Sending may take a slow client long. Without `pool_connections` this does nothing.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with request_budget(), checkout():
            return self.get_response(request)
