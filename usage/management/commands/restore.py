"""manage.py restore PATH: put a backup of the SQLite file back."""

from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from usage.collector.lock import DrainLock
from usage.ops.backups import Useless, put_back


class Command(BaseCommand):
    """The file is checked first, the database it replaces is kept, and web and tasks go over to it by themselves."""

    help = "Replace the SQLite database by a copy of PATH. Stop the drain before, and start it again after."
    requires_system_checks = []  # they may ask the very database that is to be replaced

    def add_arguments(self, parser):
        """One path."""
        parser.add_argument("path", type=Path)

    def handle(self, *, path, **options):
        """Exit 1 with the reason when nothing was restored."""
        lock = DrainLock(settings.SPOOL_DIR)
        try:
            if not lock.acquire():
                raise CommandError("A drain is at work on this database: stop it first.")
            replaced = put_back(path)
            call_command("migrate", interactive=False, verbosity=0)
        except Useless as reason:
            raise CommandError(str(reason)) from None
        except Error as error:
            raise CommandError(f"The database cannot be used: {error}") from None
        finally:
            lock.release()
        self.stdout.write(f"The database is a copy of {path} now. Start the drain again.")
        if replaced:
            self.stdout.write(f"What it was before is kept as {replaced}: delete it when all is well.")
