"""The number of processes and connections of a service, and its timeout for clients.

gunicorn reads WEB_CONCURRENCY before its configuration file, and rejects a bad value without naming
the variable. The settings import this module, so the Django commands that run first name it.
"""

from common import env

WEB_CONCURRENCY = env.integer("WEB_CONCURRENCY", 2, 1, 64)
# Connections to PostgreSQL, for each process.
DB_CONNECTIONS = env.integer("DB_CONNECTIONS", 4, 1, 64)
# Seconds that one read from a client, or one write to it, may take. A client that pauses does not
# hold a connection to PostgreSQL meanwhile.
CLIENT_TIMEOUT = env.integer("CLIENT_TIMEOUT", 30, 1, 3600)
