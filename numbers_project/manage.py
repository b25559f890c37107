#!/usr/bin/env python
"""Django's command line for the random number service."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # Imports start at the root of the repository, whatever the current directory.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "numbers_project.settings")
    # A migration may take its time; only requests are held to the role's timeout.
    os.environ.setdefault("PGOPTIONS", "-c statement_timeout=0")

    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"{error}")
