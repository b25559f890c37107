"""The WSGI application that gunicorn serves."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

from common.api.bodies import read_bodies
from common.api.security_headers import with_security_headers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "numbers_project.settings")

# Two calls more than startproject writes: an incomplete body is a 400, and every answer has the
# security headers.
try:
    application = with_security_headers(read_bodies(get_wsgi_application()))
except ImproperlyConfigured as error:
    sys.exit(f"{error}")
