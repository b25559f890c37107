"""Addresses that both services have."""

from django.contrib import admin
from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

handler400 = "common.errors.bad_request"
handler403 = "common.errors.permission_denied"
handler404 = "common.errors.not_found"
handler500 = "common.errors.server_error"

READ_ONLY = ["get", "head"]  # neither view has a template for an answer to OPTIONS
schema = SpectacularAPIView.as_view(http_method_names=READ_ONLY)
swagger = SpectacularSwaggerView.as_view(url_name="schema", http_method_names=READ_ONLY)

common_urlpatterns = [
    re_path(r"^schema/?$", schema, name="schema"),
    re_path(r"^docs/?$", swagger, name="docs"),
    path("admin/", admin.site.urls),
]
