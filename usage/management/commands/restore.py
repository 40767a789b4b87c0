"""manage.py restore PATH: put a backup of the SQLite file back."""

from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from usage.collector.lock import DrainLock
from usage.ops.backups import put_back


class Command(BaseCommand):
    """The file is checked first, and the database it replaces is kept."""

    help = "Replace the SQLite database by a copy of PATH. Stop web, drain and tasks first; start them after."
    requires_system_checks = []  # they may ask the very database that is to be replaced

    def add_arguments(self, parser):
        """One path."""
        parser.add_argument("path", type=Path)

    def handle(self, *, path, **options):
        """Exit 1 with the reason when nothing was restored."""
        lock = DrainLock(settings.SPOOL_DIR)
        try:
            if not lock.acquire():
                raise CommandError("A drain is at work on this database: stop web, drain and tasks first.")
            replaced = put_back(path)
            call_command("migrate", interactive=False, verbosity=0)
        except Error as error:
            raise CommandError(f"The database cannot be used: {error}") from None
        finally:
            lock.release()
        self.stdout.write(f"The database is a copy of {path} now. Start web, drain and tasks again.")
        if replaced:
            self.stdout.write(f"What it was before is kept as {replaced}: delete it when all is well.")
