#!/usr/bin/env python
"""Django's command line for the user service."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # Import from the root of the repository, whatever the current directory is.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "users_project.settings")
    # The role's statement_timeout is meant for requests; a migration may take longer.
    options = os.environ.get("PGOPTIONS") or "-c statement_timeout=0"

    from common import env  # noqa: F401  it removes all of libpq's variables

    os.environ["PGOPTIONS"] = options

    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"{error}")
