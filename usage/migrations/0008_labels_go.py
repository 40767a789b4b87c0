"""Label sets can go. Their rows are looked for in no index: PostgreSQL, which would do so for each, no longer checks.

SQLite's tables keep the constraint, for to take it away is to write every event again; there it is not looked at while
label sets go, and `manage.py verify` looks at it afterwards.
"""

import django.db.models.deletion
from django.db import migrations, models


class AlterFieldOnPostgres(migrations.AlterField):
    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)


def unconstrained(model, field, to, related_name):
    key = models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name=related_name,
        to=to,
    )
    return AlterFieldOnPostgres(model_name=model, name=field, field=key)


class Migration(migrations.Migration):
    dependencies = [("usage", "0007_gap_lost")]

    operations = [
        migrations.AddField(
            "drainstate",
            "labels_revision",
            models.BigIntegerField(
                default=0, help_text="Moves when label sets or clients go: writers forget which rows they remember."
            ),
        ),
        unconstrained("event", "series", "usage.series", "events"),
        unconstrained("quarter", "series", "usage.series", "quarters"),
        unconstrained("day", "series", "usage.series", "days"),
        unconstrained("duration", "model", "pricing.model", "durations"),
    ]
