"""READ FIRST: what each endpoint of the services has, whatever its view is made of.

- `fields.py`: serializer fields that take only what JSON itself calls text or a number.
- `errors.py`: one shape for every error, and `Conflict` for a 409.
- `filters.py`: query parameters that narrow a list.
- `pagination.py`: pages that start after an id, so that a late page costs what the first one does.
- `parsers.py`, `renderers.py`: JSON by orjson, forms, and the browsable pages.
- `bodies.py`, `security_headers.py`, `middleware.py`: whole bodies; headers of every answer; 503
  while the database is away.
- `views.py`: the root, which links to what is there.
- `openapi.py`, `docs.py`: the OpenAPI document and Swagger UI.
- `checks.py`: mistakes that are refused at start.
"""
