"""manage.py rebuildrollups: totals recomputed from the kept events, or compared to them to the unit."""

from itertools import islice

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from usage.rollups.check import Difference, check
from usage.rollups.counting import kept_days
from usage.rollups.rebuild import rebuild
from usage.time.periods import date_of, rfc3339_local_day, rfc3339_utc

SHOWN = 10


class Command(BaseCommand):
    """Safe beside a running drain: each day is a transaction. Days before the kept detail stay as they are."""

    help = "Recompute all totals from the kept events, a day at a time; with --check only compare them."

    def add_arguments(self, parser):
        """One switch."""
        parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a total is wrong")

    def handle(self, **options):
        """Exit 0 when all is well, 1 when --check found differences."""
        if options["check"]:
            self._check()
        else:
            self._rebuild(options["verbosity"])

    def _check(self):
        differences = check()
        found = list(islice(differences, SHOWN))
        for difference in found:
            self.stdout.write(described(difference))
        if found:
            more = sum(1 for _ in differences)
            rest = f" The first {SHOWN} are shown." if more else ""
            raise CommandError(
                f"{len(found) + more} totals differ from their events.{rest} Run manage.py rebuildrollups."
            )
        self.stdout.write(f"The totals of {len(kept_days())} days equal their events.")

    def _rebuild(self, verbosity):
        days = kept_days()
        for done, day in enumerate(rebuild(), 1):
            if verbosity > 0:
                self.stdout.write(f"{date_of(day)}  {done} of {len(days)} days")
        self.stdout.write("All totals are recomputed.")


def described(difference: Difference) -> str:
    """A line about one wrong row: which, and what is stored instead of what its events add up to."""
    bucket, zone = difference.bucket, settings.TIME_ZONE
    when = _WHEN[difference.rollup](bucket, zone)
    wrong = ", ".join(f"{name} is {stored}, not {counted}" for name, stored, counted in difference.wrong())
    owner = _OWNER.get(difference.rollup, "series")
    return f"{difference.rollup} {when}, {owner} {difference.owner}: {wrong}"


def _utc(bucket, zone):
    return rfc3339_utc(bucket)


_OWNER = {"LabelQuarter": "label value", "LabelDay": "label value", "Duration": "model"}
_WHEN = {
    "Quarter": _utc,
    "Day": rfc3339_local_day,
    "LabelQuarter": _utc,
    "LabelDay": rfc3339_local_day,
    "Duration": _utc,
}
