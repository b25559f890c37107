"""How many processes and threads a service has; gunicorn.conf.py and the settings read it.

gunicorn looks at WEB_CONCURRENCY before its own configuration, and refuses a bad value without
its name. Django's commands, which run before it at each start, tell more.
"""

from common import env

WEB_CONCURRENCY = env.integer("WEB_CONCURRENCY", 2, 1, 64)
WEB_THREADS = env.integer("WEB_THREADS", 4, 1, 64)
