"""The database backend: Django's own, which notices a dead connection without a query."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that PostgreSQL has closed is replaced before a request uses it."""

    def is_usable(self) -> bool:
        """Return whether the connection is open.

        PostgreSQL says nothing on an idle connection until it closes it, so bytes to read mean
        that it has. Asking with `SELECT 1`, as Django does, costs a round trip each request.
        """
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)
