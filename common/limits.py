"""What a service listens on, its number of processes and connections, and its time for clients.

gunicorn reads WEB_CONCURRENCY before its configuration file, and rejects a bad value without naming
the variable. The settings import this module, so that `migrate`, which runs first, names it.
"""

from common import env

BIND = env.address("BIND", ":8000")
WEB_CONCURRENCY = env.integer("WEB_CONCURRENCY", 2, 1, 64)
# Connections of clients, for each process: see the table in common/serving/worker.py.
WORKER_CONNECTIONS = env.integer("WORKER_CONNECTIONS", 500, 10, 20_000)
# Connections to PostgreSQL, for each process.
DB_CONNECTIONS = env.integer("DB_CONNECTIONS", 4, 1, 64)
# Seconds that a client may take to send a header from its first byte, to send a whole body, or to
# take in more of an answer. It holds no connection to PostgreSQL meanwhile.
CLIENT_TIMEOUT = env.integer("CLIENT_TIMEOUT", 30, 1, 3600)
# Seconds that a connection may wait for its next request: longer than the idle timeout of common
# gateways (60 seconds), so that they close connections first.
KEEP_ALIVE = 75
