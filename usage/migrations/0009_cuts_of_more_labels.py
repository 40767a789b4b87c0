"""Cuts by provider, endpoint, effort and tier, filled from the totals of series.

By SQL, since CPA keeps a record for a minute only: instances would take minutes at ten million events. A day at a time,
for SQLite sorts in memory.
"""

from django.db import migrations, models
from django.db.models import Max, Min

HOUR, DAY = 3600, 86_400
NEW = ("provider", "endpoint", "reasoning_effort", "tier")
MEASURES = (
    "requests", "failed", "client_requests", "client_failed", "uncached", "cache_read", "cache_write", "output",
    "reasoning", "unclassified", "total", "latency_ms", "latency_count", "ttft_ms", "ttft_count", "cost",
    "unpriced_tokens",
)  # fmt: skip
COLUMNS = ", ".join(MEASURES)
SUMS = ", ".join(f"SUM(rows.{measure})" for measure in MEASURES)


def fill(apps, schema_editor):
    series, cuts, state, quarters, days = (
        apps.get_model("usage", name) for name in ("Series", "Cut", "DrainState", "Quarter", "Day")
    )
    _make_cuts(series, cuts)
    with schema_editor.connection.cursor() as cursor:
        for table, rollup, length in (("quarter", quarters, DAY), ("day", days, 1)):
            for first in _slices(rollup, length):
                for label in NEW:
                    cursor.execute(_SUM_SERIES.format(table=table, label=label), [label, first, first + length])
        events_from = state.objects.values_list("events_from", flat=True).first() or 0
        first_hour = -(-events_from // (HOUR * 1_000_000)) * HOUR  # no hour that retention left a part of
        for cut in cuts.objects.filter(label__in=NEW).values_list("id", flat=True):
            cursor.execute(_SUM_QUARTERS, [cut, first_hour])


def _make_cuts(series, cuts):
    rows = series.objects.values_list("failed", *NEW).distinct()
    wanted = {
        (label, value, alone)
        for failed, *values in rows
        for label, value in zip(NEW, values, strict=True)
        for alone in {False, failed}
    }
    cuts.objects.bulk_create(cuts(label=label, value=value, failed=alone) for label, value, alone in sorted(wanted))


def _slices(rollup, length):
    """Where slices begin that together hold all rows."""
    first, last = rollup.objects.aggregate(Min("bucket"), Max("bucket")).values()
    return () if first is None else range(first, last + 1, length)


_SUM_SERIES = f"""
    INSERT INTO usage_cut{{table}} (cut_id, bucket, {COLUMNS})
    SELECT usage_cut.id, rows.bucket, {SUMS}
    FROM usage_{{table}} AS rows
    JOIN usage_series ON usage_series.id = rows.series_id
    JOIN usage_cut ON usage_cut.label = %s AND usage_cut.value = usage_series.{{label}}
        AND (NOT usage_cut.failed OR usage_series.failed)
    WHERE rows.bucket >= %s AND rows.bucket < %s
    GROUP BY usage_cut.id, rows.bucket
"""
_SUM_QUARTERS = f"""
    INSERT INTO usage_cuthour (cut_id, bucket, {COLUMNS})
    SELECT rows.cut_id, rows.bucket / {HOUR} * {HOUR}, {SUMS}
    FROM usage_cutquarter AS rows
    WHERE rows.cut_id = %s AND rows.bucket >= %s
    GROUP BY 1, 2
"""


def empty(apps, schema_editor):
    """What was before knows none of these labels."""
    for name in ("CutQuarter", "CutHour", "CutDay"):
        apps.get_model("usage", name).objects.filter(cut__label__in=NEW).delete()
    apps.get_model("usage", "Cut").objects.filter(label__in=NEW).delete()


class Migration(migrations.Migration):
    dependencies = [("usage", "0008_event_spoken")]
    operations = [
        migrations.AlterField(
            model_name="cut",
            name="label",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "everything"),
                    ("model", "Model"),
                    ("source", "Source"),
                    ("api_key", "Api Key"),
                    ("provider", "Provider"),
                    ("endpoint", "Endpoint"),
                    ("reasoning_effort", "Reasoning Effort"),
                    ("tier", "Tier"),
                ],
                max_length=16,
            ),
        ),
        migrations.RunPython(fill, empty),
    ]
