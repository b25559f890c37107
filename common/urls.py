"""Routes and error handlers of all services."""

from django.contrib import admin
from django.urls import path, re_path

from common.api.views import on_demand

handler400 = "common.api.errors.bad_request"
handler403 = "common.api.errors.permission_denied"
handler404 = "common.api.errors.not_found"
handler500 = "common.api.errors.server_error"

common_urlpatterns = [
    re_path(r"^schema/?$", on_demand("common.api.docs.document"), name="schema"),
    re_path(r"^docs/?$", on_demand("common.api.docs.page"), name="docs"),
    path("admin/", admin.site.urls),
]
