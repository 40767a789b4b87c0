"""The tables are those of the models, and on SQLite totals lie in the order of their key."""

import pytest
from django.core.management import call_command
from django.db import connection

from pricing.models import Model
from tests.usage.made import NOON, record, stored
from usage.models import Day, Duration, LabelDay, LabelQuarter, Quarter
from usage.time.units import QUARTER_US

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


if connection.vendor == "postgresql":

    def options_of(rollup):
        with connection.cursor() as cursor:
            cursor.execute("SELECT reloptions FROM pg_class WHERE relname = %s", [rollup._meta.db_table])
            return dict(option.split("=") for option in cursor.fetchone()[0])

    @pytest.mark.parametrize("rollup", [Quarter, Day, LabelQuarter, LabelDay, Duration])
    def test_pages_of_totals_have_room_for_rows_that_change(rollup):
        assert options_of(rollup)["fillfactor"] == "80"

    @pytest.mark.parametrize("rollup", [Quarter, Day])
    def test_totals_of_series_are_vacuumed_when_a_hundredth_is_new_or_changed(rollup):
        found = {name: part for name, part in options_of(rollup).items() if name.endswith("scale_factor")}
        assert found == dict.fromkeys(
            ("autovacuum_vacuum_scale_factor", "autovacuum_vacuum_insert_scale_factor"), "0.01"
        )

    # Only what no transaction can see any more gives its room. A page gives it to the next update by itself, but not
    # while a transaction is open anywhere in the server, as by another worker; vacuum looks at this database's alone.
    @pytest.mark.django_db(transaction=True)
    def test_rows_that_are_given_a_price_after_another_stay_on_their_page():
        models = [f"model-{n}" for n in range(5)]
        stored(*(record(NOON - n * QUARTER_US, model=models[n % 5], alias=models[n % 5]) for n in range(600)))
        before = pages()
        for model in models:
            Model.objects.set_price(model, {"prompt": 1, "completion": 2})
            with connection.cursor() as cursor:
                cursor.execute("VACUUM usage_quarter")
        after = pages()
        assert len(after) == 600 and sum(after[key] != page for key, page in before.items()) < 60


def pages():
    """The page of each total of a quarter."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT bucket, series_id, (ctid::text::point)[0] FROM usage_quarter")
        return {row[:2]: row[2] for row in cursor.fetchall()}
