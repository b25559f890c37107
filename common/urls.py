"""Addresses that both services have."""

from django.contrib import admin
from django.urls import path, re_path

from common.views import on_demand

handler400 = "common.errors.bad_request"
handler403 = "common.errors.permission_denied"
handler404 = "common.errors.not_found"
handler500 = "common.errors.server_error"

common_urlpatterns = [
    re_path(r"^schema/?$", on_demand("common.docs.document"), name="schema"),
    re_path(r"^docs/?$", on_demand("common.docs.page"), name="docs"),
    path("admin/", admin.site.urls),
]
