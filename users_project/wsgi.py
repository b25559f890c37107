"""What gunicorn serves."""

import os

from common.serving.application import get_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "users_project.settings")
application = get_application()
