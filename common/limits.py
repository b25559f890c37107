"""How many processes and connections a service has, and how long it waits for a client.

gunicorn reads WEB_CONCURRENCY before its own configuration, and refuses a bad value without its
name. The settings import this, so Django's commands, which run first, name it.
"""

from common import env

WEB_CONCURRENCY = env.integer("WEB_CONCURRENCY", 2, 1, 64)
# To PostgreSQL, for each process.
DB_CONNECTIONS = env.integer("DB_CONNECTIONS", 4, 1, 64)
# Seconds that one read from a client, or one write to it, may take. A client that pauses holds no
# connection to PostgreSQL.
CLIENT_TIMEOUT = env.integer("CLIENT_TIMEOUT", 30, 1, 3600)
