"""OPTIONAL: drop-in for `rest_framework.mixins` and `rest_framework.viewsets`.

    from common.fast import mixins, viewsets     # or: from rest_framework import mixins, viewsets

That import line of a `views.py` is the only difference, since the names are the same. A view that
needs something unsupported is rejected when it is routed, with an error that says what to do.

- `viewsets.py`: `GenericViewSet`, with less work for each request.
- `mixins.py`: `CreateModelMixin`, `RetrieveModelMixin`, `ListModelMixin`.
- `lists.py`: lists as JSON text from PostgreSQL, in pages or streamed.
- `json_rows.py`: the SQL for a serializer's fields.
- `refusals.py`: what a view may not override.

The docstrings give the gains, which `./manage_all.sh bench` measures.
"""
