"""A look at a socket that does not wait."""

import select

# Replaced by common/serving: gevent's own would let other greenlets run first.
poll = select.poll


def is_readable(file_number: int) -> bool:
    """Return whether bytes, or the end of the stream, can be read at once."""
    look = poll()
    look.register(file_number, select.POLLIN)
    return bool(look.poll(0))
