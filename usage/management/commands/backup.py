"""manage.py backup PATH: a checked copy of the SQLite file, made while everything runs."""

from pathlib import Path

from django.core.management.base import BaseCommand

from usage.ops.backups import back_up


class Command(BaseCommand):
    """Every night the task cluster does the same into BACKUP_DIR, when that is set."""

    help = "Copy the SQLite database to PATH, or under a name made of the time when PATH is a folder."

    def add_arguments(self, parser):
        """PATH."""
        parser.add_argument("path", type=Path)

    def handle(self, *, path, **options):
        """Exit 1 with the reason when there is no sound copy."""
        made = back_up(path)
        self.stdout.write(f"{made} holds the database as of now: {made.stat().st_size:,} bytes, checked.")
