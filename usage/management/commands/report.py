"""manage.py report: usage in the terminal, by time and label, and statements of a month."""

from datetime import date, timedelta

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from msgspec import json

from usage.analytics.choices import BreakdownForm
from usage.analytics.exports.forms import SHORT, ExportForm
from usage.analytics.overview import covered_days
from usage.analytics.reports.parts import report
from usage.analytics.reports.statements import statement
from usage.management import tables
from usage.query.arguments import add_filters, filters_of, one_line
from usage.query.forms import checked
from usage.time.periods import month_after

EVERY = {"daily": "day", "weekly": "week", "monthly": "month"}
SPAN = {"day": "30d", "week": "all", "month": "all", "": "30d"}  # the period where none is given


class Command(BaseCommand):
    """Reads what the API reads, and changes nothing."""

    help = "Show usage by day, week or month, or by a label; with --month a statement: docs/reports.md."

    def add_arguments(self, parser):
        """Which usage is shown, and how."""
        parser.add_argument("every", nargs="?", default="", help=f"{', '.join(EVERY)}; daily where --by is missing too")
        parser.add_argument("--by", default="", help="model, key, account, provider, endpoint, or any label")
        parser.add_argument("--breakdown", action="store_true", help="each day, week or month by model, or by --by")
        parser.add_argument("--month", default="", help="a statement of a month, such as 2026-10: days, models, prices")
        parser.add_argument("--json", action="store_true", help="as the API has it")
        parser.add_argument("--csv", action="store_true", help="with every digit")
        add_filters(parser)

    def handle(self, *, every, by, breakdown, month, **options):
        """Exit 1 with a sentence for what does not read."""
        if options["json"] and options["csv"]:
            raise CommandError("Choose --json or --csv.")
        if every and every not in EVERY:
            raise CommandError(f"{every} is unknown: use {', '.join(EVERY)}.")
        if month and (every or by or breakdown or options["range"] or options["start"] or options["end"]):
            raise CommandError("--month is a statement of that month, by day and by model: give it filters alone.")
        every = EVERY.get(every, "day" if breakdown or not by else "")
        with one_line():
            if by or breakdown or month:
                by = checked(BreakdownForm({"by": SHORT.get(by, by)})).cleaned_data["by"]
            filters = filters_of(options | (_days_of(month) if month else {}), range=SPAN[every])
            if options["csv"]:
                parts = checked(ExportForm({"by": f"{every},{by}"})).parts(filters)
                return self.stdout.write(b"".join(parts).decode("utf-8-sig"))
            found = statement(filters) if month else report(filters, every, by)
        if options["json"]:
            return self.stdout.write(json.format(json.encode(found), indent=2).decode())
        blocks = tables.statement_blocks(found) if month else tables.report_blocks(found, _span(filters))
        tables.show(blocks, self.stdout, no_color=options["no_color"])


def _span(filters):
    """The local days of a period, as a title says them."""
    covered = covered_days(filters.period)
    return tables.days_of(*covered, settings.TIME_ZONE) if covered else ""


def _days_of(month):
    """The options for a month."""
    try:
        first = date.fromisoformat(f"{month}-01")
        last = month_after(first) - timedelta(days=1)
        return {"range": "", "start": str(first), "end": str(last)}
    except (ValueError, OverflowError):
        raise CommandError("--month: a month is written as 2026-10.") from None
