"""manage.py movedata --to URL: everything into another database, SQLite or PostgreSQL, while records come in."""

import os
import runpy
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections
from django.utils import timezone

from cpa_usage.database.versions import require_this_version
from usage.models import DrainState
from usage.ops.moving import NEW, OLD, Move

LOOK_SECONDS = 0.5


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
        move = Move()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a lost terminal does not let the old database go
        signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell takes from what runs in the background
        try:
            require_this_version()
            move.refuse_foreign()
            _migrate()
            with connections[NEW].constraint_checks_disabled(), move.old_held():
                with _progress(move.rows) as tell:
                    move.copy(tell)
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
        self._say(
            f"The new database holds the same {move.rows:,} rows, and the same sums of every day. Set {to} in .env, "
            "and restart all processes of cpa-usage. This command waits until a drain works on the new database: until "
            "then the old one takes no writes, and records wait in the spool. Ctrl-C lets it go."
        )
        while not move.is_drained():
            move.mark(timezone.now())
            DrainState.objects.using(OLD).exists()  # raises an error where the old one is not held any more
            time.sleep(LOOK_SECONDS)
        move.forget()
        self._say("A drain works on the new database. The old one is as it was: keep it until all is well.")

    def _say(self, text):
        with suppress(OSError):  # a terminal that is lost does not let the old database go
            self.stdout.write(text)
            self.stdout.flush()


@contextmanager
def _progress(rows: int):
    """On a terminal a bar with the time that is left; yields a function that takes rows and what they are."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    progress = Progress(console=console, transient=True, disable=not console.is_terminal)
    task = progress.add_task("", total=rows)
    with suppress(OSError):  # of a terminal that is lost
        progress.start()
    try:
        yield lambda done, name: progress.update(task, advance=done, description=f"{name}, of {rows:,} rows")
    finally:
        with suppress(OSError):
            progress.stop()


def _variables(url: str) -> dict[str, str]:
    """The variables that name the new database to the processes."""
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
    """Migrate in another process, because migrations are written for the default database."""
    command = [sys.executable, settings.BASE_DIR / "manage.py", "migrate", "--verbosity=0", "--skip-checks"]
    done = subprocess.run(command, cwd=settings.BASE_DIR, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise CommandError(f"The new database cannot be made: {done.stderr.strip().rpartition(chr(10))[2]}")
