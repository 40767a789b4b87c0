"""manage.py movedata --to URL: everything into another database, SQLite or PostgreSQL, while records come in."""

import os
import runpy
import signal
import subprocess
import sys
import time
from datetime import timedelta
from shutil import get_terminal_size

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections

from cpa_usage.database.versions import require_this_version
from usage.models import DrainState
from usage.ops.moving import NEW, OLD, Move

LOOK_SECONDS = 0.5
SHOW_SECONDS = 0.5
SURE_SECONDS = 3  # before an estimate is worth anything


class Command(BaseCommand):
    """The old database takes no writes from the first row until a drain works on the new one."""

    help = (
        "Copy everything to the empty database at URL, postgres://user:password@host:port/name or sqlite:///path, and "
        "hold the present one until a drain works there. Run again after an interruption, it goes on."
    )

    def add_arguments(self, parser):
        """An address in the environment shows in no list of processes."""
        parser.add_argument("--to", metavar="URL", help="without it, the variable MOVE_TO_URL is read")

    def handle(self, *, to, **options):
        """Exit 1 with a sentence when nothing, or not all, was moved."""
        os.environ.update(_variables(to or os.environ.get("MOVE_TO_URL", "")))
        connections.settings[NEW] = connections.configure_settings({"default": _database()})["default"]
        progress = Progress(self.stdout)
        move = Move(progress.add)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a lost terminal does not let the old database go
        signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell takes from what runs in the background
        try:
            require_this_version()
            move.refuse_foreign()
            _migrate()
            with connections[NEW].constraint_checks_disabled(), move.old_held():
                progress.total = move.rows
                move.copy()
                progress.end()
                self._wait_for_drain(move)
        except DatabaseError as error:
            raise CommandError(f"Not moved: {str(error).strip().partition(chr(10))[0]}") from error
        except KeyboardInterrupt:
            raise CommandError(
                "Stopped, and the old database takes writes again. No drain has worked on the new one: run this again, "
                "it goes on."
            ) from None

    def _wait_for_drain(self, move):
        """No record reaches the old database: a drain stores the next ones, and what is spooled, in the new one."""
        to = "DATABASE_URL to it" if os.environ["DATABASE_URL"] else f"SQLITE_PATH={os.environ['SQLITE_PATH']} alone"
        self.stdout.write(
            f"The new database holds the same {move.rows:,} rows, and the same sums of every day. Set {to} in .env, "
            "and restart all processes of cpa-usage. This command waits until a drain works on the new database: until "
            "then the old one takes no writes, and records wait in the spool. Ctrl-C lets it go."
        )
        self.stdout.flush()
        while not move.is_drained():
            DrainState.objects.using(OLD).exists()  # raises an error where the old one is not held any more
            time.sleep(LOOK_SECONDS)
        move.forget()
        self.stdout.write("A drain works on the new database. The old one is as it was: keep it until all is well.")


class Progress:
    """A line on a terminal that tells how far it is; nothing elsewhere."""

    def __init__(self, stdout):
        self._stdout, self._shows = stdout, stdout.isatty()
        self._began = self._shown = time.monotonic()
        self._rows, self.total = 0, 0

    def add(self, rows: int, name: str):
        """So many rows more are through, of what `name` says."""
        self._rows += rows
        now = time.monotonic()
        if self._shows and now - self._shown >= SHOW_SECONDS:
            self._shown, rate = now, self._rows / (now - self._began)
            left = timedelta(seconds=round((self.total - self._rows) / rate))
            words = f"{self._rows:,} of {self.total:,} rows, {rate:,.0f}/s, {left} left: {name}"
            self._line(words if now - self._began > SURE_SECONDS else f"{self._rows:,} of {self.total:,} rows: {name}")

    def end(self):
        """Leave the line."""
        if self._shows:
            self._line("")
            self._stdout.write("\r", ending="")

    def _line(self, words):
        width = get_terminal_size().columns - 1
        self._stdout.write(f"\r{words[:width]:<{width}}", ending="")
        self._stdout.flush()


def _variables(url: str) -> dict[str, str]:
    """What names the new database to the processes."""
    if not url:
        raise CommandError("Name the new database: --to URL, or the variable MOVE_TO_URL.")
    if not url.startswith("sqlite:///"):
        return {"DATABASE_URL": url}
    path, folder = settings.BASE_DIR / url.removeprefix("sqlite:///"), settings.SQLITE_PATH.parent
    if path.parent.resolve() != folder.resolve():
        raise CommandError(f"Name a file in {folder}, where the spool and the secret key are.")
    return {"DATABASE_URL": "", "SQLITE_PATH": str(path)}


def _database() -> dict:
    """Django's settings of the new database, as a process has them that starts with the variables of now."""
    found = runpy.run_path(settings.BASE_DIR / "cpa_usage/settings.py")
    for mistake in found["CONFIGURATION_MISTAKES"]:
        if mistake.variable in ("DATABASE_URL", "SQLITE_PATH"):
            raise CommandError(f"--to: {mistake.sentence}")
    return found["DATABASES"]["default"]


def _migrate():
    """By a process of its own, for migrations are written for the default database."""
    command = [sys.executable, settings.BASE_DIR / "manage.py", "migrate", "--verbosity=0", "--skip-checks"]
    done = subprocess.run(command, cwd=settings.BASE_DIR, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise CommandError(f"The new database cannot be made: {done.stderr.strip().rpartition(chr(10))[2]}")
