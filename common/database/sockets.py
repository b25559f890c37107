"""Polls a socket without waiting."""

import select

# common/serving replaces it: gevent's version would let other greenlets run first.
poll = select.poll


def is_readable(file_number: int) -> bool:
    """Return whether bytes, or the end of the stream, can be read without waiting."""
    look = poll()
    look.register(file_number, select.POLLIN)
    return bool(look.poll(0))
