"""Cache writes by lifetime, successes without tokens or price, and the hour that prices depend on.

Columns are added without copying the tables, which Django would do on SQLite once for each.
"""

from django.db import migrations, models

ROLLUPS = ("quarter", "day", "labelquarter", "labelday")
MEASURES = {
    "cache_write_1h": {},
    "cache_write_unspecified": {},
    "without_tokens": {"help_text": "Successes without any tokens."},
    "unpriced_requests": {"help_text": "Successes of unknown cost."},
}


def added(model, name, kind, field):
    """Adds a column of whole numbers that is 0 so far."""
    return migrations.RunSQL(
        f"ALTER TABLE usage_{model} ADD COLUMN {name} {kind} NOT NULL DEFAULT 0",
        f"ALTER TABLE usage_{model} DROP COLUMN {name}",
        state_operations=[migrations.AddField(model, name, field)],
    )


def moved(model):
    """Until now no record said for how long a cache was written."""
    return migrations.RunSQL(
        f"UPDATE usage_{model} SET cache_write_unspecified = cache_write, cache_write = 0 WHERE cache_write > 0",
        f"UPDATE usage_{model} SET cache_write = cache_write + cache_write_unspecified + cache_write_1h",
    )


class Migration(migrations.Migration):
    dependencies = [("usage", "0001_initial")]

    operations = [
        *(
            added(model, name, "bigint", models.BigIntegerField(default=0, **options))
            for model in ROLLUPS
            for name, options in MEASURES.items()
        ),
        added("event", "cache_write_1h", "integer", models.IntegerField(default=0)),
        added(
            "event",
            "cache_write_unspecified",
            "integer",
            models.IntegerField(default=0, help_text="Kept for a time that CPA does not tell."),
        ),
        migrations.AlterField(
            "event", "cache_write", models.IntegerField(default=0, help_text="Kept for five minutes.")
        ),
        added(
            "series",
            "clock",
            "integer",
            models.IntegerField(
                default=0,
                help_text="Minute of the UTC day from which on prices of the model are as they were then.",
            ),
        ),
        *(moved(model) for model in (*ROLLUPS, "event")),
    ]
