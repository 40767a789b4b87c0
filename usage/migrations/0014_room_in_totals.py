"""Pages of totals keep room on PostgreSQL: a total that is raised, or costs another price, stays where it is.

Without room the new version of a row goes to another page. A period then lies all over its table once prices changed,
and its index has an entry for each version.
"""

from django.db import migrations

TABLES = ("quarter", "day", "labelquarter", "labelday", "duration")


def keep_room(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table in TABLES:
            schema_editor.execute(f"ALTER TABLE usage_{table} SET (fillfactor = 80)")


def fill(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table in TABLES:
            schema_editor.execute(f"ALTER TABLE usage_{table} RESET (fillfactor)")


class Migration(migrations.Migration):
    dependencies = [("usage", "0013_dead_letters_of_imports")]
    operations = [migrations.RunPython(keep_room, fill)]
