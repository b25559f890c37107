"""Routes of the user service."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from common.api.views import RootView
from common.urls import common_urlpatterns, handler400, handler403, handler404, handler500
from users_project.users.views import UserViewSet

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

router = SimpleRouter()
router.trailing_slash = "/?"
router.register("users", UserViewSet)

urlpatterns = [
    path("", RootView.as_view(name="User service", route_names={"users": "user-list"})),
    *router.urls,
    *common_urlpatterns,
]
