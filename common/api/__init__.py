"""READ FIRST: the parts that every endpoint uses, with `common.fast` or without.

- `fields.py`: serializer fields that do not convert between text and numbers in JSON.
- `errors.py`: one shape for every error, and `Conflict` for a 409.
- `filters.py`: query parameters that filter a list.
- `pagination.py`: keyset pagination, so that a late page costs as much as the first.
- `parsers.py`, `renderers.py`: JSON by orjson, forms, and the browsable pages.
- `bodies.py`, `security_headers.py`, `middleware.py`: complete request bodies; security headers on
  every answer; no requests of other websites or without TLS; 503 while the database is unavailable.
- `views.py`: the root, which links to everything else.
- `forwarded.py`: what a gateway may not reach. `environ.py`: what the access log reads.
- `openapi.py`, `docs.py`: the OpenAPI document and Swagger UI.
- `checks.py`: system checks, by which `migrate` and `check` reject mistakes.
"""
