"""Code that the services share. Start here, and leave out the parts you do not need.

    settings.py      settings of all services, with env.py and limits.py, which read the environment
    urls.py          routes of all services: /schema, /docs, /admin/
    services.py      the list of services, which provision.py turns into roles and schemas, with
                     roles.py and takeover.py; owners.py and refused.py show who may do what
    user_names.py    the rules for user names; delete it if you have no users
    api/             READ FIRST: fields, errors, filters, pagination, parsers, renderers, OpenAPI
    observability/   request ids, JSON logs, metrics, probes
    admin/           the Django admin for large tables; sessions for admin pages only
    database/        connection pool, time budget, circuit breaker, replica, request coalescing
    fast/            OPTIONAL: drop-in replacements for REST framework's mixins, many times faster
    serving/         OPTIONAL: gunicorn's gevent worker, for thousands of slow clients

An endpoint needs only `api`. `database` works with threads too. Without `fast` and `serving`, a
service is stock Django, REST framework and gunicorn: `serving/__init__.py` says how to remove them
and what that costs. Each package's `__init__.py` says what its files are for.

Packages import in one direction only, which an import-linter contract in pyproject.toml enforces:

    serving → fast → admin → observability → api → database

If you are new, read README.md, users_project/users, tests/users/test_register.py, this file, api
and numbers_project, in that order; leave database, fast and serving until you need them.
"""
