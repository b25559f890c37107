"""Limits, and logs, attempts to sign in to the admin.

Each attempt is a row of the table of sessions until it succeeds, so that all processes count the
same ones, and they expire like sessions. The rows' keys are secret: no cookie can name one.
"""

import logging
from datetime import timedelta
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils.crypto import get_random_string, salted_hmac
from django.utils.timezone import now
from rest_framework.exceptions import Throttled

from common.observability.clients import client_address

logger = logging.getLogger(__name__)

LIMIT = 10  # failed attempts for an account, and from an address, within the window
WINDOW = timedelta(minutes=15)
CLEANED = 1000  # rows at a time


class SignInBackend(ModelBackend):
    """Django's backend for accounts in the database, with a limit for failed attempts."""

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        """Return the account, or None; raise a 429 after too many failures."""
        if request is None or username is None:  # no request over HTTP
            return super().authenticate(request, username, password, **kwargs)
        address = client_address(request.META)
        name = known_name(username)
        prefixes = [prefix("account", username), prefix("address", address)]
        for one in prefixes:
            require_few(one, name, address)
        # Recorded before the password is checked, since many attempts may be made meanwhile.
        attempt = record(prefixes)
        account = super().authenticate(request, username, password, **kwargs)
        if account:
            attempt.delete()
            logger.info("The password of account %s was right, from %s.", name, address)
        else:
            logger.warning("A sign-in to account %s failed, from %s.", name, address)
        return account


def known_name(username: str) -> str:
    """Return an account's name for the log, where a password typed in its place must not be."""
    exists = User.objects.filter(username=username).exists()
    return repr(username) if exists else "(unknown)"


def prefix(kind: str, value: str) -> str:
    """Return the beginning of the session keys of attempts."""
    return salted_hmac("common.admin.sign_in", f"{kind}:{value}").hexdigest()[:24]


def require_few(key: str, name: str, address: str) -> None:
    """Raise a 429 if there were too many attempts within the window."""
    attempts = Session.objects.filter(session_key__startswith=key, expire_date__gt=now())
    expiries = attempts.order_by("-expire_date").values_list("expire_date", flat=True)[:LIMIT]
    if len(expiries) == LIMIT:
        logger.warning("A sign-in to account %s was not tried, from %s.", name, address)
        wait = expiries[LIMIT - 1] - now()
        raise Throttled(int(wait.total_seconds()) + 1, "Too many attempts to sign in failed.")


def record(prefixes: list[str]) -> QuerySet[Session]:
    """Save an attempt, and remove what has expired: nobody else removes old sessions."""
    expired = Session.objects.filter(expire_date__lt=now()).values("pk")[:CLEANED]
    Session.objects.filter(pk__in=expired).delete()
    keys = [key + get_random_string(16) for key in prefixes]
    end = now() + WINDOW
    Session.objects.bulk_create(Session(session_key=key, expire_date=end) for key in keys)
    return Session.objects.filter(pk__in=keys)
