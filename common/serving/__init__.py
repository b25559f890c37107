r"""OPTIONAL: gunicorn's gevent worker, and what it needs.

- `gunicorn.conf.py`: gunicorn's settings, each with its reason; a service is started with them.
- `worker.py`: a greenlet for each client. Slow clients give way, answers leave in batches.
- `connections.py`: what a client may send and hold, and for how long.
- `resources.py`: addresses, open files, and a folder for metrics and heartbeats.
- `application.py`: what is prepared once, before the processes fork.
- `bad_requests.py`: answers to what is not HTTP, in the shape of all other errors.
- `logging.py`: gunicorn's log as JSON, with a line for each request.
- `hashers.py`: password hashes in a thread, so that the greenlets go on meanwhile.

The plain path
--------------

A service works without this package and common/fast, on gunicorn's threads, Django's own
database backend and REST framework's own mixins. `tests/plain` takes these steps in a copy, and
runs the contract's calls and errors against it.

1. Delete both packages, and the tests that import them:

       rm -r common/fast common/serving

2. Exchange the import in `*_project/*/views.py`. `coalesce = True` may stay; nothing reads it.

       - from common.fast import mixins, viewsets
       + from rest_framework import mixins, viewsets

3. Use Django's backend, with one persistent connection for each thread, and Django's own password
   hasher in `common/settings.py`. Behind a pooler in transaction mode, add
   DISABLE_SERVER_SIDE_CURSORS.

       - "ENGINE": "common.database",
       + "ENGINE": "django.db.backends.postgresql",
       + "CONN_MAX_AGE": None,
       + "CONN_HEALTH_CHECKS": True,
       - PASSWORD_HASHERS = ["common.serving.hashers.ThreadedPBKDF2PasswordHasher"]

4. Remove both packages and gevent from `pyproject.toml`, and lock the requirements again:

       - "gunicorn[gevent]~=27.0",
       + "gunicorn~=27.0",
       - "serving",
       - "fast",
       - ignore_imports = ["common.serving.* -> gevent", "common.serving.* -> gunicorn"]

5. Start each service by these lines, in the Dockerfile and in the front script too. The folder is
   for the metrics of all processes. Without --forwarded-allow-ips a client at 127.0.0.1 could send
   SCRIPT_NAME and get a 500. Where the file system is read-only, add --worker-tmp-dir /dev/shm.

       export PROMETHEUS_MULTIPROC_DIR=$(mktemp -d)
       exec python -m gunicorn users_project.wsgi --bind "${BIND:-0.0.0.0:8000}" \
           --workers "${WEB_CONCURRENCY:-2}" --threads 4 --preload --reuse-port \
           --keep-alive 75 --forwarded-allow-ips "" --no-control-socket

The rest stays: request coalescing, one shape for errors, probes, metrics, request ids, and the
statement timeout of the roles. This is lost, with two processes of four threads each:

| | with both packages | plain |
| --- | --- | --- |
| numbers drawn by 64 connections | 3,050 /s | 930 /s, in the same run |
| memory that a list of 100,000 numbers adds | 4 MiB | 150 MiB |
| the first row of that list | after 4 ms | after 2.4 s, with all others |
| the longest list | any | 500,000 numbers; 1,000,000 are a 503 after 1.5 s |
| PostgreSQL is frozen | 503 within 5 s | no answer; clients gave up after 60 s |
| 100 clients send half a request | nobody waits | nobody is answered until they give up |
| 2,500 clients send little or nothing | others wait under a second | each holds a thread for 5 s |
| a stop, with 100 kept-alive connections | 2 s | 3 s |
| a stop, with 100 that have sent nothing | 2 s | 30 s, gunicorn's graceful timeout |
| connections to PostgreSQL | 4 a process, for any number of clients | 1 a thread |
| a request that is not HTTP | JSON, with a request id | gunicorn's HTML page |
| the access log | JSON, with request ids | none; gunicorn's own is text |

`./manage_all.sh bench` measures both, and what lies between them.
"""
