"""Fills what 0006 made: the day on which each attempt ended, all attempts of a cut in one row, and its hours."""

from django.db import migrations
from django.db.models import BigIntegerField, F
from django.db.models.functions import Cast

DAY_US = 86_400 * 1_000_000
MEASURES = (
    "requests", "failed", "client_requests", "client_failed", "uncached", "cache_read", "cache_write", "output",
    "reasoning", "unclassified", "total", "latency_ms", "latency_count", "ttft_ms", "ttft_count", "cost",
    "unpriced_tokens",
)  # fmt: skip


def fill(apps, schema_editor):
    ended = (F("timestamp") + Cast("latency_ms", BigIntegerField()) * 1000) / DAY_US
    apps.get_model("usage", "Event").objects.update(ended_day=ended)
    for name in ("CutQuarter", "CutDay"):
        _add_failures(apps.get_model("usage", "Cut"), apps.get_model("usage", name))
    _make_hours(apps.get_model("usage", "CutQuarter"), apps.get_model("usage", "CutHour"))


def _add_failures(cuts, rollup):
    """What succeeded and what failed stood apart; the first becomes all."""
    for failures in cuts.objects.filter(failed=True):
        whole, _ = cuts.objects.get_or_create(label=failures.label, value=failures.value, failed=False)
        for row in rollup.objects.filter(cut_id=failures.pk).values("bucket", *MEASURES):
            bucket = row.pop("bucket")
            rows = rollup.objects.filter(cut_id=whole.pk, bucket=bucket)
            if not rows.update(**{name: F(name) + value for name, value in row.items()}):
                rollup.objects.create(cut_id=whole.pk, bucket=bucket, **row)


def _make_hours(quarters, hours):
    for cut in list(quarters.objects.order_by().values_list("cut_id", flat=True).distinct()):
        sums = {}
        for bucket, *row in quarters.objects.filter(cut_id=cut).values_list("bucket", *MEASURES):
            hour = bucket // 3600 * 3600
            sums[hour] = [a + b for a, b in zip(sums.get(hour, [0] * len(MEASURES)), row, strict=True)]
        rows = (hours(cut_id=cut, bucket=hour, **dict(zip(MEASURES, row, strict=True))) for hour, row in sums.items())
        hours.objects.bulk_create(rows, batch_size=500)


class Migration(migrations.Migration):
    dependencies = [("usage", "0006_requests_by_day_and_hours_of_cuts")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
