"""manage.py prepare: the steps before the processes start. Run at every start; running it twice does no harm."""

import os
import shutil
import socket

from django.conf import settings
from django.core import checks
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from cpa_usage.http.addresses import listening
from cpa_usage.http.static import collect_changed

LARGE_BYTES = 100_000_000
ROOM = 1.3
BYTES_A_SECOND = 20_000_000  # measured: a table of a million events was rewritten with its indexes in 10.6 s


class Command(BaseCommand):
    help = "Check the configuration, migrate the database, collect changed static files and plan the periodic tasks."
    requires_system_checks = []  # handle() runs those of the configuration, and prints each in one line

    def add_arguments(self, parser):
        parser.add_argument("--port", action="store_true", help="fail when APP_HOST:APP_PORT cannot be listened on")

    def handle(self, **options):
        """Prints what it did; raises CommandError with one sentence about what to set."""
        self._check()
        if options["port"]:
            _try_port()
        try:
            self._migrate()
            call_command("plantasks", verbosity=0, skip_checks=True)
        except OperationalError as error:
            raise CommandError(f"The database cannot be made ready: {str(error).splitlines()[0]}") from error
        if collect_changed():
            self.stdout.write("Static files are collected.")

    def _check(self):
        found = checks.run_checks(tags=["configuration"])
        for message in found:
            if not message.is_serious():
                self.stderr.write(f"Warning: {message.msg}")
        if mistakes := [message.msg for message in found if message.is_serious()]:
            raise CommandError("\n".join(mistakes))

    def _migrate(self):
        executor = MigrationExecutor(connection)
        if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
            require_room()
            self.stdout.write(f"Applying {len(plan)} migrations to the database{expectation()}.")
            call_command("migrate", interactive=False, verbosity=0, skip_checks=True)


def expectation() -> str:
    """How long a migration of a large SQLite file may take; '' for one that is small, and for PostgreSQL."""
    size = _file_bytes()
    if size < LARGE_BYTES:
        return ""
    return f" of {size // 1_000_000:,} MB: each that rewrites it takes about {size // BYTES_A_SECOND} s"


def require_room():
    """Raises CommandError where the disk of a SQLite file has no room for what a migration may write: 1.3 times it.

    Measured: the log and the file grew by 0.7 times the file's size together.
    """
    if size := _file_bytes():
        free, needed = shutil.disk_usage(connection.settings_dict["NAME"].parent).free, int(size * ROOM)
        if free < needed:
            raise CommandError(
                f"The database has {size // 1_000_000:,} MB, to migrate it may take {needed // 1_000_000:,} MB more, "
                f"and its disk has {free // 1_000_000:,} MB left: make room. (manage.py migrate tries it all the same; "
                "where the room is not enough, nothing is changed.)"
            )


def _file_bytes():
    path = connection.settings_dict["NAME"]
    return os.path.getsize(path) if connection.vendor == "sqlite" and os.path.exists(path) else 0


def _try_port():
    family = socket.AF_INET6 if ":" in settings.APP_HOST else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.APP_HOST, settings.APP_PORT))
        except OSError as error:
            raise CommandError(
                f"Nothing can listen on {listening()} ({error.strerror.lower()}): "
                "stop what does already, or set APP_PORT or APP_HOST."
            ) from error
