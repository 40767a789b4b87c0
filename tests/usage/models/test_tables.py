"""The tables are those of the models, and on SQLite totals lie in the order of their key."""

import pytest
from django.core.management import call_command
from django.db import connection

from usage.models import Day, Duration, LabelDay, LabelQuarter, Quarter

pytestmark = pytest.mark.django_db


def test_the_migrations_make_what_the_models_say():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.sqlite
@pytest.mark.parametrize("rollup", [Quarter, Day, LabelQuarter, LabelDay, Duration])
def test_totals_lie_in_the_order_of_their_key_and_its_columns_come_first(rollup):
    """Others would make integrity_check of SQLite up to 3.40 go wrong."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [rollup._meta.db_table])
        (sql,) = cursor.fetchone()
    columns = [column.name for column in table_of(rollup)]
    keys = [connection.introspection.identifier_converter(f.column) for f in rollup._meta.pk_fields]
    assert sql.endswith("WITHOUT ROWID")
    assert columns[: len(keys)] == keys


def table_of(model):
    with connection.cursor() as cursor:
        return connection.introspection.get_table_description(cursor, model._meta.db_table)
