#!/usr/bin/env python
"""Run one of the project's commands: `manage.py help` lists them."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.umask(0o077)  # database, spool, logs and keys belong to this user alone
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cpa_usage.settings")
    execute_from_command_line(sys.argv)
