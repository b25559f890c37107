"""What gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application
from psycopg2.extensions import set_wait_callback

from common.postgresql import deadline

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "numbers_project.settings")
set_wait_callback(deadline.wait)
application = get_wsgi_application()
