"""manage.py reprice: cost the past again with today's prices; --dry-run only shows the change."""

from datetime import date

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from cpa_usage.sqlite import wal
from pricing.book import PriceBook
from pricing.models import Model
from pricing.rates import PICO
from usage.models import DrainState, Series
from usage.models.querysets import SeriesQuerySet
from usage.models.snapshots import snapshot
from usage.rollups.effects import Effect, effect_of
from usage.rollups.recosting import recost
from usage.time.periods import day_number


class Command(BaseCommand):
    """A change of prices re-costs history by itself; this is for when rows were changed past the admin and the API."""

    help = "Cost everything from a local day on again, with the prices as they are; --dry-run shows what would change."

    def add_arguments(self, parser):
        """--since DATE [--dry-run]."""
        parser.add_argument("--since", required=True, metavar="DATE", help="First local day, YYYY-MM-DD.")
        parser.add_argument("--dry-run", action="store_true", help="Show the difference and change nothing.")

    def handle(self, *, since, dry_run, **options):
        """Each model is one transaction."""
        first, changed = day_number(_date(since)), 0
        for model in Model.objects.order_by("name"):
            effect = _reprice(Series.objects.filter(model=model), first, dry_run)
            wal.cut_back()
            if any(month.changes for month in effect.months):
                changed += 1
                self._tell(model, effect)
        done = "would change" if dry_run else "changed"
        self.stdout.write(f"{changed} models {done}." if changed else "Nothing differs: every cost is as prices say.")

    def _tell(self, model, effect: Effect):
        self.stdout.write(f"{model}:")
        for month in effect.months:
            if month.changes:
                cost = f"{month.cost_before / PICO:.6f} -> {month.cost_after / PICO:.6f} USD"
                tokens = f"unpriced tokens {month.unpriced_before} -> {month.unpriced_after}"
                self.stdout.write(f"  {month.month}  {cost}, {tokens}")
        if effect.unreached:
            self.stdout.write("  {} to {}: too old to be told apart by a new threshold".format(*effect.unreached))


def _reprice(series: SeriesQuerySet, first: int, dry_run: bool) -> Effect:
    with snapshot() if dry_run else transaction.atomic():
        if not dry_run:
            DrainState.lock()  # first, so that no price changes between the reading and the costing
        book = PriceBook.load()
        effect = effect_of(series, book, first, recount=True)
        if not dry_run:
            recost(series, book, first)
    return effect


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--since {text}: write a date such as 2026-11-01.") from None
