"""manage.py verify: the proof that the database is sound and that every total equals its events."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from usage.rollups.check import Difference
from usage.rollups.proof import Proof, keep, prove
from usage.time.periods import rfc3339_local_day, rfc3339_utc


class Command(BaseCommand):
    """Safe while a drain runs. The task cluster does the same every night; /status shows the latest result."""

    help = "Prove that the database is sound and that every total equals its events; exit 1 when not."

    def handle(self, **options):
        """Print what was looked at and what was found, and note the result."""
        proof = prove()
        for line in lines_of(proof):
            self.stdout.write(line)
        keep(proof)
        if not proof.holds:
            raise CommandError(proof.sentence)


def lines_of(proof: Proof):
    """The proof for people, a line a finding."""
    yield f"Structure: {proof.tables} tables looked at, {'damaged' if proof.damage else 'sound'}."
    yield from (f"  {sentence}" for sentence in proof.damage)
    if not proof.damage:
        yield f"Totals: {proof.days} days recounted from {proof.events:,} events, {proof.wrong or 'no'} rows differ."
        yield from (f"  {described(difference)}" for difference in proof.differences)
    yield f"{'Proved' if proof.holds else 'Not proved'} in {proof.seconds:.1f} s."


def described(difference: Difference) -> str:
    """A line about one wrong row: which, and what is stored instead of what its events add up to."""
    rollup, bucket = difference.rollup, difference.bucket
    when = rfc3339_local_day(bucket, settings.TIME_ZONE) if rollup in ("Day", "LabelDay") else rfc3339_utc(bucket)
    wrong = ", ".join(f"{name} is {stored}, not {counted}" for name, stored, counted in difference.wrong())
    return f"{rollup} {when}, {_OWNER.get(rollup, 'series')} {difference.owner}: {wrong}"


_OWNER = {"LabelQuarter": "label value", "LabelDay": "label value", "Duration": "model"}
