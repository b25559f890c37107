"""Whether something has arrived on a socket."""

from select import POLLIN

from gevent.monkey import get_original

# To look is no waiting, for which others would get their turn.
poll = get_original("select", "poll")


def has_arrived(file_number: int) -> bool:
    """Return whether bytes, or the end, can be read at once."""
    look = poll()
    look.register(file_number, POLLIN)
    return bool(look.poll(0))
