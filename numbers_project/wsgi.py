"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from common.api.bodies import read_bodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "numbers_project.settings")

# One call more than startproject writes, so that an incomplete body is a 400.
application = read_bodies(get_wsgi_application())
