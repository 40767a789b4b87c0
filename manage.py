#!/usr/bin/env python
"""Run one of the project's commands: `manage.py help` lists them."""

import os
import sys

import django
from django.core.management import execute_from_command_line

from cpa_usage import __version__

if __name__ == "__main__":
    os.umask(0o077)  # database, spool, logs and keys belong to this user alone
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cpa_usage.settings")
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"cpa-usage {__version__} (Django {django.__version__})\n")
    else:
        try:
            execute_from_command_line(sys.argv)
        except BrokenPipeError:  # `| head` has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
