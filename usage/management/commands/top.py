"""manage.py top: what is used just now, today, and whether records arrive, refreshed in the terminal."""

import os
import sys
from contextlib import contextmanager, suppress
from select import select

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, connections
from django.utils.timezone import localtime

from usage.analytics.answers import summary_of
from usage.analytics.breakdowns import breakdown
from usage.analytics.overview import NOTHING, pace
from usage.dashboard.formats import short, usd
from usage.management.tables import Block, Row, plain
from usage.models.labels import LABELS
from usage.ops.status import status
from usage.query.forms import UsageFilterForm, checked
from usage.query.snapshots import snapshot
from usage.time.clock import now_us
from usage.time.periods import Period
from usage.time.units import MINUTE_US

LATELY_US = 5 * MINUTE_US
KEYS = {b"m": "model", b"k": "api_key", b"a": "source", b"p": "provider"}
AROUND = 6  # lines of the screen besides rows
SHOWN = {  # of (the last minutes, today)
    "5 min": lambda used, number: number(used[0].total),
    "Tokens": lambda used, number: number(used[0].total_tokens),
    "Cost": lambda used, number: usd(used[0].known_cost),
    "Today": lambda used, number: number(used[1].total),
    "Errors": lambda used, number: number(used[1].failed),
    "Tokens ": lambda used, number: number(used[1].total_tokens),
    "Cost ": lambda used, number: usd(used[1].known_cost),
}


class Command(BaseCommand):
    """Reads every few seconds what the pages read, and changes nothing."""

    help = "Watch usage live: q or Ctrl-C ends, m, k, a and p show models, keys, accounts and providers."

    def add_arguments(self, parser):
        """How often it refreshes."""
        parser.add_argument("--seconds", type=float, default=2, help="between two looks (2)")

    def handle(self, *, seconds, no_color, **options):
        """Runs until a key ends it; refused where there is no terminal."""
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise CommandError("This needs a terminal: use report, which can be piped.")
        from rich.console import Console
        from rich.live import Live

        console, by, key = Console(no_color=no_color or None, highlight=False), "model", b""
        screen = Live(console=console, screen=True, auto_refresh=False)
        with suppress(KeyboardInterrupt), _keys() as pressed, screen as live:
            while key != b"q":
                by = KEYS.get(key, by)
                live.update(_screen(by, console.size), refresh=True)
                key = pressed(max(seconds, 0.2))


def _screen(by, size):
    from rich.console import Group
    from rich.text import Text

    try:
        lines, block = _now(by, size.height - AROUND)
    except Error as error:
        connections.close_all()
        return Text(f"The database does not answer: {error}")
    return Group(*(Text(plain(line), no_wrap=True, overflow="ellipsis") for line in lines), block.table(size.width))


@snapshot()
def _now(by, most):
    """Lines about the drain and the last minute, and the table of the values used most lately."""
    found, today = status(), checked(UsageFilterForm({"range": "today"})).usage_filter()
    lately, whole = breakdown(today.with_period(Period(now_us() - LATELY_US, None)), by), breakdown(today, by)
    used = {row.key: (row.label, summary_of(NOTHING), row.figures) for row in whole.rows}
    used |= {row.key: (row.label, row.figures, used.get(row.key, (0, 0, row.figures))[2]) for row in lately.rows}
    order = sorted(used.values(), key=lambda row: (-row[1].total, -row[2].total, row[0]))
    rows = [Row((label or "(none)",), figures) for label, *figures in order[: max(most, 1)]]
    speed, arrived = pace(today), found.last_inserted_at
    last = f"{localtime(arrived):%m-%d %H:%M:%S}" if arrived else "never"
    lines = [
        f"{localtime():%H:%M:%S}  last minute: {short(speed.rpm)} requests, {short(speed.tpm)} tokens",
        f"drain {'alive' if found.drain_alive else 'silent'}, last record {last}, {found.spool_files} batches wait",
        f"wrong: {', '.join(found.notices) or 'nothing'}  {found.last_error if not found.last_error_ended_at else ''}",
    ]
    return lines, Block("", (str(LABELS[by].title),), SHOWN, rows)


@contextmanager
def _keys():
    """A function that waits so many seconds for a key."""
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    try:
        yield lambda seconds: (os.read(terminal, 1) or b"q") if select([terminal], [], [], seconds)[0] else b""
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
