"""Settings of the random number service."""

from common import env
from common.settings import *

INSTALLED_APPS = [*COMMON_APPS, "numbers_project.random_numbers"]
ROOT_URLCONF = "numbers_project.urls"
WSGI_APPLICATION = "numbers_project.wsgi.application"
# Browsers send a host's cookies to all of its ports, so each admin needs its own cookie names.
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}numbers_session"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}numbers_csrf"
# Where it is set, draws with an Idempotency-Key can be verified (commitments.py).
DRAW_SECRET = env.optional_secret_key("DRAW_SECRET")
# How many numbers one request may draw at most.
MAX_COUNT = env.integer("MAX_COUNT", 10_000, 1, 10_000)
SPECTACULAR_SETTINGS = {
    **SPECTACULAR_SETTINGS,
    "TITLE": "Random number service",
    "DESCRIPTION": "Draws random numbers for registered users and saves them.",
}
