"""The address of a request's client, for the log and for the admin's sign-in."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from django.conf import settings


def client_address(environ: dict[str, Any]) -> str:
    """Return the peer's address or, if that is a trusted proxy, the one that it forwards for.

    Each proxy appends the address that it sees to X-Forwarded-For, so the client is the last entry
    that is no trusted proxy; what precedes it may be made up.
    """
    client = str(environ.get("REMOTE_ADDR", "")).removeprefix("::ffff:")
    if settings.TRUSTED_PROXIES and is_trusted(client):
        for entry in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            address = parse(entry)
            if address is None:
                break
            client = str(address)
            if not is_trusted(client):
                break
    return client


@lru_cache(maxsize=1024)
def is_trusted(text: str) -> bool:
    """Return whether an address is in one of the networks TRUSTED_PROXIES."""
    address = parse(text)
    return address is not None and any(address in one for one in settings.TRUSTED_PROXIES)


def parse(text: str) -> IPv4Address | IPv6Address | None:
    """Return a text as an address, or None if it is none."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
