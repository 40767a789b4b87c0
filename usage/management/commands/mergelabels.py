"""manage.py mergelabels: many models, client keys or other values of a label become one."""

from django.core.management.base import BaseCommand, CommandError

from cpa_usage.sqlite import wal
from pricing.rates import PICO
from usage.models.labels import LABELS, OTHER, open_labels
from usage.rollups.merging import Merge, Refused, matching, target
from usage.rollups.retention import LeaseLost

NAMES = sorted({label.name for label in open_labels()} & LABELS.keys())


class Command(BaseCommand):
    """Safe while a drain runs, and when it is cut off: run it again. What was merged cannot be told apart any more."""

    help = "Merge values of a label, such as models that a flood has named, into one of them or into (other)."

    def add_arguments(self, parser):
        """LABEL PATTERN… [--into NAME] [--dry-run]."""
        parser.add_argument("label", choices=NAMES, metavar="LABEL", help=f"One of {', '.join(NAMES)}.")
        parser.add_argument("patterns", nargs="+", metavar="PATTERN", help="Values, such as 'junk-*'.")
        parser.add_argument("--into", default=OTHER, metavar="NAME", help="Another value; (other) by default.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would be merged and change nothing.")

    def handle(self, *, label, patterns, into, dry_run, verbosity, **options):
        """Each day is one transaction."""
        try:
            merge = _merge(LABELS[label], patterns, into)
            self._tell(merge, into)
            for done, days in () if dry_run else merge.run():
                wal.cut_back()
                if verbosity > 0:
                    self.stdout.write(f"{done} of {days} days")
        except (Refused, LeaseLost) as reason:
            raise CommandError(str(reason)) from None
        self.stdout.write("Nothing was changed." if dry_run else "Merged.")

    def _tell(self, merge: Merge, into):
        names, cost = len(merge.values), merge.effect().total
        self.stdout.write(
            f"{merge.label.title}: {names:,} values with {merge.series.count():,} label sets and {merge.requests:,} "
            f"requests become {into}."
        )
        self.stdout.write(
            f"Their cost: {cost.cost_before / PICO:.6f} -> {cost.cost_after / PICO:.6f} USD; tokens of unknown cost: "
            f"{cost.unpriced_before:,} -> {cost.unpriced_after:,}."
        )


def _merge(label, patterns, into):
    value = target(label, into)
    values = [each for each in matching(label, patterns) if each != value]
    if not values:
        raise Refused(f"No {label.title} fits {' '.join(patterns)}.")
    return Merge(label, values, value)
