"""manage.py reconcile: a provider's bill or usage export, compared with our records by day and model."""

import csv
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from django.core.management.base import BaseCommand, CommandError

from usage.analytics.reconciliation.comparing import Compared, Reconciliation, reconcile
from usage.analytics.reconciliation.files import bill_in
from usage.query.filters import UsageFilter, stored_values
from usage.reconcile.bills import Unknown
from usage.reconcile.cells import ORDERS
from usage.reconcile.columns import ROLES, Mapping
from usage.reconcile.sheets import MAX_BYTES, BadFile, read
from usage.time.periods import Period

HEADINGS = ("Requests", "Tokens", "in the file", "more there", "Cost", "in the file", "more there")
WIDTHS = (9, 15, 15, 15, 14, 14, 14)
UNKNOWN = "This is no known export: say which column is what, as in --columns date=Day,model=Model,cost=Total."
NAME = 34  # characters of a model's name


class Command(BaseCommand):
    """Stores nothing but which columns were chosen."""

    help = "Compare a CSV file of OpenAI, Anthropic, Google Cloud, OpenRouter or any other seller with our records."

    def add_arguments(self, parser):
        """FILE and what it is compared with."""
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "--columns",
            metavar="ROLE=NAME,…",
            help=f"Which column is what, for other files than known exports; remembered. Roles: {', '.join(ROLES)}.",
        )
        parser.add_argument("--dates", choices=ORDERS, default="ymd", help="How that file writes days.")
        parser.add_argument("--timezone", metavar="ZONE", default="", help="The time zone of the file's days.")
        parser.add_argument("--provider", default="", help="Only records of this provider.")
        parser.add_argument("--account", default="", help="Only records of this account: its e-mail, name or key.")
        parser.add_argument("--all", action="store_true", help="Show days that agree, too.")
        parser.add_argument("--json", action="store_true", help="Print everything as JSON.")

    def handle(self, *, file, timezone, **options):
        """Exit 0 whatever differs; 1 with a sentence when the file cannot be read."""
        mapping = _mapping(options["columns"], timezone, options["dates"])
        try:
            bill = bill_in(read(_bytes(file)), mapping, _zone(timezone))
        except Unknown:
            raise CommandError(UNKNOWN) from None
        except (BadFile, OSError) as error:
            raise CommandError(str(error)) from None
        found = reconcile(_filters(options["provider"], options["account"]), bill)
        if options["json"]:
            self.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode())
            return
        for line in lines_of(found, options["all"]):
            self.stdout.write(line.rstrip())


def lines_of(found: Reconciliation, with_all: bool = False):
    """The comparison for people: totals, models, then the days that differ, or all."""
    yield f"{found.title}, {found.first} to {found.last}, days in {found.zone}"
    yield from (f"  {note.text}" for note in found.notes)
    yield ""
    yield _line("", HEADINGS)
    yield _row("All models", found.total)
    for row in found.models:
        yield from _described(row.model or "(no model)", row)
    differing = [row for row in found.rows if with_all or not row.agrees]
    for day in dict.fromkeys(row.day for row in differing):
        yield ""
        yield day
        for row in (row for row in differing if row.day == day):
            yield from _described(row.model or "(no model)", row)
    if same := len(found.rows) - len(differing):
        yield ""
        yield f"{same} of {len(found.rows)} days of models agree to the token and to the cent."


def _described(name, row: Compared):
    yield _row(name, row)
    yield from (f"    {reason.text}" for reason in row.reasons)


def _row(name, row: Compared):
    ours, theirs = row.ours, row.theirs
    values = (
        _number(ours.requests),
        _number(ours.total),
        _number(theirs.total),
        _number(row.tokens, "+"),
        _money(ours.cost),
        _money(theirs.cost),
        _money(row.cost, "+"),
    )
    return _line(name, values)


def _line(name, values):
    cells = "".join(f"{value:>{width}}" for value, width in zip(values, WIDTHS, strict=True))
    return f"  {name[:NAME]:<{NAME}}{cells}"


def _number(value, sign=""):
    return "-" if value is None else f"{value:{sign},}"


def _money(value, sign=""):
    return "-" if value is None else f"{value:{sign},.4f}"


def _mapping(columns, zone, order):
    """The mapping in a text such as `date=Day,cost=Total`; None without one."""
    if not columns:
        return None
    pairs = [pair.partition("=") for pair in next(csv.reader([columns]))]
    if any(not name for _, _, name in pairs):
        raise CommandError("--columns is a list such as date=Day,model=Model,cost=Total.")
    return Mapping({role.strip(): name.strip() for role, _, name in pairs}, zone or "UTC", order)


def _zone(name):
    try:
        return name and ZoneInfo(name).key
    except (KeyError, ValueError, OSError):  # no such zone, or no name of one
        raise CommandError(f"--timezone {name}: there is no such time zone.") from None


def _filters(provider, account):
    labels = {"provider": provider, "source": [account] if account else None}
    given = ((name, stored_values(name, value)) for name, value in labels.items() if value)
    return UsageFilter(Period(None, None), tuple(given))


def _bytes(path):
    """The file, or as much of it as tells that it is too large."""
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
