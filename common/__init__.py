"""What the services share. Start here, and leave out what you do not need.

    settings.py      settings of all services, with env.py and limits.py, which read the environment
    urls.py          routes of all services: /schema, /docs, /admin/
    services.py      the list of the services, which provision.py turns into roles and schemas
    user_names.py    what both services agree on about users; delete it where there are none
    api/             READ FIRST: fields, errors, filters, pagination, parsers, renderers, OpenAPI
    observability/   request ids, JSON logs, metrics, probes
    admin/           the Django admin for large tables, with sessions for the admin only
    database/        connection pool, time budget, circuit breaker, replica, request coalescing
    fast/            OPTIONAL: REST framework's mixins under their own names, many times faster
    serving/         OPTIONAL: gunicorn's gevent worker, for thousands of slow clients

An endpoint needs `api` only. `database` runs under threads as well. Without `fast` and `serving` a
service is stock Django, REST framework and gunicorn: `serving/__init__.py` says how to remove them,
and what that costs. Each room's `__init__.py` says what its files are for.

Rooms import in one direction only, and pyproject.toml holds them to it:

    serving → fast → admin → observability → api → database

A newcomer reads README.md, users_project/users, tests/users/test_register.py, this file, api, then
numbers_project; database, fast and serving only when they need them.
"""
