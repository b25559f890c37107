"""Django's PostgreSQL backend, for requests that must not hang."""
