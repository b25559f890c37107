"""PostgreSQL for requests that must not hang: `ENGINE = "common.database"`.

By itself the engine is Django's own. `base.pool_connections` adds the rest to a process:

- `pool.py` lends a few connections to any number of threads or greenlets, oldest waiter first.
- `deadline.py` ends every wait, also for a server that is frozen, within a request's time budget.
- `circuit_breaker.py` spares requests the wait for a server that has just missed a deadline.
- `replica.py` reads lists from a replica, and from the primary while the replica fails.
- `coalescing.py` runs one statement for the requests of one moment.
- `errors.py` and `middleware.py` say which errors are a 503, and answer it within five seconds.
- `checks.py` names what provisioning has left out, before a migration fails for it.

Nothing here imports gevent: all of it runs under threads too.
"""
