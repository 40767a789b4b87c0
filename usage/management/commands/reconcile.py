"""manage.py reconcile: a provider's bill or usage export, compared with our records by day and model."""

import csv
from itertools import groupby
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from usage.analytics.reconciliation.comparing import Comparison, reconcile
from usage.analytics.reconciliation.files import bill_in
from usage.analytics.reconciliation.records import filter_of
from usage.analytics.reconciliation.rows import Row
from usage.reconcile.formats import CHOSEN
from usage.reconcile.sheets import MAX_BYTES, BadFile, read

HEADINGS = ("Requests", "Tokens", "in the file", "more there", "Cost", "in the file", "more there")
LINE = "  {:<34}{:>9}{:>15}{:>15}{:>15}{:>14}{:>14}{:>14}"
UNKNOWN = "This is no known export: say which column is what, as in --columns date=Day,model=Model,cost=Total."


class Command(BaseCommand):
    """Stores nothing but which columns were chosen."""

    help = "Compare a CSV file of OpenAI, Anthropic, Google Cloud, OpenRouter or any other seller with our records."

    def add_arguments(self, parser):
        """FILE and what it is compared with."""
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "--columns",
            metavar="ROLE=NAME,…",
            default="",
            help=f"Which column is what, for other files than known exports; remembered. Roles: {', '.join(CHOSEN)}.",
        )
        parser.add_argument("--timezone", metavar="ZONE", default="", help="The time zone of the file's days.")
        parser.add_argument("--provider", default="", help="Only records of this provider.")
        parser.add_argument("--account", default="", help="Only records of this account: its e-mail, name or key.")

    def handle(self, *, file, columns, timezone, provider, account, **options):
        """Exit 0 whatever differs; 1 with a sentence when the file cannot be read."""
        try:
            with file.open("rb") as opened:
                sheet = read(opened.read(MAX_BYTES + 1))
            bill = bill_in(sheet, _columns(columns), timezone)
        except (BadFile, OSError) as error:
            raise CommandError(str(error)) from None
        if bill is None:
            raise CommandError(UNKNOWN)
        for line in lines_of(reconcile(filter_of(provider, account), bill)):
            self.stdout.write(line.rstrip())


def lines_of(found: Comparison):
    """The comparison for people: totals, models, then the days that differ."""
    yield f"{found.bill.title}, {found.first} to {found.last}, days in {found.bill.zone}"
    yield from (f"  {note}" for note in found.notes)
    yield ""
    yield LINE.format("", *HEADINGS)
    yield _figures("All models", found.total)
    for row in found.models:
        yield from _described(row)
    for day, rows in groupby(found.differing, key=lambda row: row.day):
        yield f"\n{day}"
        for row in rows:
            yield from _described(row)
    if same := found.all - len(found.differing):
        yield f"\n{same} of {found.all} days of models agree to the token and to the cent."


def _described(row: Row):
    yield _figures(row.model or "(no model)", row)
    yield from (f"    {reason}" for reason in row.reasons)


def _figures(name, row: Row):
    counts = (f"{row.ours.requests or 0:,}", *_three(row.ours.total, row.theirs.total, row.tokens, ","))
    return LINE.format(name[:34], *counts, *_three(row.ours.cost, row.theirs.cost, row.cost, ",.4f"))


def _three(ours, theirs, more, form):
    """Both sides and the difference, which has a sign."""
    pairs = ((ours, form), (theirs, form), (more, f"+{form}"))
    return ["-" if value is None else format(value, form) for value, form in pairs]


def _columns(text):
    """Names by role of a text such as `date=Day,cost=Total`."""
    pairs = [pair.partition("=") for pair in next(csv.reader([text]), [])]
    if any(not name for _, _, name in pairs):
        raise CommandError("--columns is a list such as date=Day,model=Model,cost=Total.")
    return {role.strip(): name.strip() for role, _, name in pairs}
