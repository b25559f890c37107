"""Settings of the user service."""

from common.settings import *

INSTALLED_APPS = [*COMMON_APPS, "users_project.users"]
ROOT_URLCONF = "users_project.urls"
WSGI_APPLICATION = "users_project.wsgi.application"
# Browsers send a host's cookies to all of its ports, so each admin needs its own cookie names.
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}users_session"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}users_csrf"
SPECTACULAR_SETTINGS = {
    **SPECTACULAR_SETTINGS,
    "TITLE": "User service",
    "DESCRIPTION": "Registers users.",
}
