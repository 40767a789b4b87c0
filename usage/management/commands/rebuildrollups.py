"""manage.py rebuildrollups: totals recomputed from the kept events."""

from django.core.management.base import BaseCommand

from usage.rollups.counting import kept_days
from usage.rollups.rebuild import rebuild
from usage.time.periods import date_of


class Command(BaseCommand):
    """Safe while a drain runs: each day is a transaction. Days before the kept detail stay as they are."""

    help = "Recompute all totals from the kept events, a day at a time; manage.py verify compares them."

    def handle(self, *, verbosity, **options):
        """Print each day done."""
        days = kept_days()
        for done, day in enumerate(rebuild(), 1):
            if verbosity > 0:
                self.stdout.write(f"{date_of(day)}  {done} of {len(days)} days")
        self.stdout.write("All totals are recomputed.")
