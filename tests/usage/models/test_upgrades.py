"""What migrations make of rows that an earlier version wrote."""

from importlib import import_module

import pytest
from django.apps import apps

from tests.usage.made import NOON, record, stored
from usage.models import LabelValue, Series
from usage.rollups.check import check
from usage.rollups.rebuild import rebuild

pytestmark = pytest.mark.django_db
KEY = "team-blue-laptop-7"


def test_a_clients_key_kept_as_an_account_is_forgotten_and_totals_follow():
    stored(record(NOON, source="ann@example.com", api_key=KEY), record(NOON + 1, source="bob@example.com"))
    Series.objects.filter(source="ann@example.com").update(source=KEY, source_display=KEY)
    LabelValue.objects.filter(value="ann@example.com").update(value=KEY)
    import_module("usage.migrations.0006_no_key_as_account").forget_keys(apps, None)
    assert set(Series.objects.values_list("source", "source_display")) == {("", ""), ("bob@example.com",) * 2}
    assert not LabelValue.objects.filter(value=KEY).exists()
    list(rebuild())
    assert list(check()) == []
