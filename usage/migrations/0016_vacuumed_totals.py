"""Totals of series are vacuumed often on PostgreSQL: what occurs in a period is then read from their index alone.

By itself it would begin when a fifth of the rows are new. Pages that are vacuumed already are passed over.
"""

from django.db import migrations

TABLES = ("quarter", "day")
OFTEN = ("autovacuum_vacuum_scale_factor", "autovacuum_vacuum_insert_scale_factor")


def vacuum_often(apps, schema_editor):
    change(schema_editor, f"SET ({', '.join(f'{name} = 0.01' for name in OFTEN)})")


def vacuum_seldom(apps, schema_editor):
    change(schema_editor, f"RESET ({', '.join(OFTEN)})")


def change(schema_editor, how):
    if schema_editor.connection.vendor == "postgresql":
        for table in TABLES:
            schema_editor.execute(f"ALTER TABLE usage_{table} {how}")


class Migration(migrations.Migration):
    dependencies = [("usage", "0015_views_and_links")]
    operations = [migrations.RunPython(vacuum_often, vacuum_seldom)]
