"""OPTIONAL: drop-in for `rest_framework.mixins` and `rest_framework.viewsets`.

    from common.fast import mixins, viewsets     # or: from rest_framework import mixins, viewsets

That line of a `views.py` is the whole choice; the names are the same. What these classes do not
support is refused when a view is routed, with a sentence that says what to take instead.

- `viewsets.py`: `GenericViewSet`, which does less for each request.
- `mixins.py`: `CreateModelMixin`, `RetrieveModelMixin`, `ListModelMixin`.
- `lists.py`: lists as JSON text that PostgreSQL writes, in pages or streamed.
- `json_rows.py`: the SQL for a serializer's fields.
- `serializers.py`: a serializer that is made once, for all requests.
- `refusals.py`: what a view may not override.

Each file says what it buys; `./manage_all.sh bench` measures it.
"""
