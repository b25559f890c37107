"""A PostgreSQL backend for requests that must not hang: `ENGINE = "common.database"`.

By itself it behaves like Django's own. `base.pool_connections` adds the pool and the deadlines:

- `pool.py`: a connection pool for any number of threads or greenlets; the oldest waiter is first.
- `deadline.py`: a time budget for each request, which bounds every wait, even for a frozen server.
- `circuit_breaker.py`: fails fast for a while after a server has missed a deadline.
- `replica.py`: reads lists from a replica, and from the primary while the replica fails.
- `coalescing.py`: runs one statement for concurrent requests.
- `locks.py`: locks that are waited for, but not for ever. `sockets.py`: waits for a connection.
- `errors.py`, `middleware.py`: the errors that are a 503; the budget and connections of a request.
- `checks.py`: system checks that find missing provisioning before a migration fails.

Nothing here imports gevent: all of it works with threads too.
"""
