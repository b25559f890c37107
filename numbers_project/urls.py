"""Routes of the random number service."""

from django.conf import settings
from django.urls import path, re_path
from django.views.decorators.http import require_safe

from common.api.views import RootView
from common.urls import common_urlpatterns, handler400, handler403, handler404, handler500
from numbers_project.random_numbers.views import GeneratedNumberViewSet, SavedNumberViewSet

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

root = RootView.as_view(
    name="Random number service",
    route_names={
        "generate-random-number": "generate-random-number",
        "get-saved-numbers": "get-saved-numbers",
        **({"commitments": "commitments"} if settings.DRAW_SECRET else {}),
    },
)

urlpatterns = [
    path("", root),
    re_path(
        r"^generate-random-number/?$",
        GeneratedNumberViewSet.as_view({"post": "create"}, name="Generate random number"),
        name="generate-random-number",
    ),
    re_path(
        r"^get-saved-numbers/?$",
        SavedNumberViewSet.as_view({"get": "list"}, name="Saved numbers"),
        name="get-saved-numbers",
    ),
    *common_urlpatterns,
]
if settings.DRAW_SECRET:
    from numbers_project.random_numbers.verifiable import CommitmentsView, program

    urlpatterns += [
        re_path(r"^commitments/?$", CommitmentsView.as_view(), name="commitments"),
        path("verify.py", require_safe(program), name="verify"),
    ]
