"""How many processes and connections a service has, and how long they wait for a client.

gunicorn looks at WEB_CONCURRENCY before its own configuration, and refuses a bad value without
its name. Django's commands, which run before it at each start, tell more: the settings import this.
"""

from common import env

WEB_CONCURRENCY = env.integer("WEB_CONCURRENCY", 2, 1, 64)
# To PostgreSQL, for each process.
DB_CONNECTIONS = env.integer("DB_CONNECTIONS", 4, 1, 64)
# Seconds that a client may let one read or write of a request wait.
CLIENT_TIMEOUT = env.integer("CLIENT_TIMEOUT", 10, 1, 3600)
