"""Pages of totals keep room on PostgreSQL: a total that is raised, or costs another price, stays where it is.

Without room the new version of a row goes to another page. A period then lies all over its table once prices changed,
and its index has an entry for each version.
"""

from django.db import migrations

TABLES = ("quarter", "day", "labelquarter", "labelday", "duration")


def keep_room(apps, schema_editor):
    change(schema_editor, "SET (fillfactor = 80)")


def fill(apps, schema_editor):
    change(schema_editor, "RESET (fillfactor)")


def change(schema_editor, how):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what earlier migrations of the transaction left to look at
        for table in TABLES:
            schema_editor.execute(f"ALTER TABLE usage_{table} {how}")


class Migration(migrations.Migration):
    dependencies = [("usage", "0013_dead_letters_of_imports")]
    operations = [migrations.RunPython(keep_room, fill)]
