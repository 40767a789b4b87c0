"""Which totals a filter is answered from: kept ones of its label for any of some values, and for all but some."""

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from tests.usage.made import DAY, NOON, record, stored
from usage.models import MEASURES
from usage.query.forms import UsageFilterForm, checked
from usage.query.reader import Reader

pytestmark = pytest.mark.django_db
KEPT = {"usage_labelday", "usage_labelquarter"}
SERIES = {"usage_day", "usage_quarter"}
ATTEMPTS = MEASURES.index("requests")


@pytest.fixture
def days(db):
    """Three days of four attempts, the last of which failed."""
    for day in range(3):
        for nth, model in enumerate(("a", "b", "b", "c")):
            failed = {"failed": True, "fail": {"status_code": 429, "body": ""}} if nth == 3 else {}
            at = NOON + day * DAY + nth
            stored(record(at, model=model, reasoning_effort="high" * (nth == 0), **failed), arrived=at)


def asked(query, *by):
    """(attempts of what is asked, or of its groups; the tables of totals that were read)."""
    reader = Reader.of(checked(UsageFilterForm(QueryDict(query))).usage_filter())
    with CaptureQueriesContext(connection) as captured:
        found = reader.by(*by) if by else reader.total()
    found = {group[0]: row[ATTEMPTS] for group, row in found.items()} if by else found[ATTEMPTS]
    text = " ".join(query["sql"] for query in captured)
    return found, {table for table in KEPT | SERIES if f'"{table}"' in text}


@pytest.mark.parametrize(
    ("query", "attempts"),
    [
        ("model=a&model=b", 9),
        ("not_model=a", 9),
        ("not_model=a&not_model=c&not_model=d", 6),
        ("model=a&model=b&not_model=b", 3),
        ("model=b&not_model=b", 0),
        ("not_status=429", 9),
        ("status=429&status=500", 3),
        ("not_result=failed", 9),
        ("result=failed&result=success", 12),
        ("not_reasoning_effort=%28none%29", 3),
        ("not_api_key=sk-client-alice-0001", 0),
    ],
)
def test_one_label_is_answered_from_its_kept_totals(days, query, attempts):
    found, tables = asked(query)
    assert tables <= KEPT and found == attempts
    start = "&start=2026-11-24T00:00:00Z&end=2026-11-25T08:00:00Z"
    found, tables = asked(query + start)
    assert tables <= KEPT and found == attempts * 2 // 3


@pytest.mark.parametrize(
    ("query", "models"),
    [("model=a&model=b", {"a": 3, "b": 6}), ("not_model=b", {"a": 3, "c": 3}), ("not_model=a&not_model=b", {"c": 3})],
)
def test_so_are_its_values_one_by_one(days, query, models):
    assert asked(query, "model__name") == (models, {"usage_labelday"})


@pytest.mark.parametrize(
    ("query", "attempts"),
    [("not_model=a&not_result=failed", 6), ("not_auth_index=nothing", 12), ("model=b&not_api_key=unknown", 6)],
)
def test_two_labels_and_those_without_kept_totals_are_answered_from_series(days, query, attempts):
    assert asked(query) == (attempts, {"usage_day"})


def test_days_on_which_only_what_is_left_out_happened_are_none(days):
    stored(record(NOON + 5 * DAY, model="z"), arrived=NOON + 5 * DAY)
    reader = Reader.of(checked(UsageFilterForm(QueryDict("not_model=z"))).usage_filter())
    assert len(reader.per_day()) == len(reader.counts_per_day()) == 3
