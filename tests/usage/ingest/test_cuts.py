"""Totals kept ready: what counts in which, that questions read them, and that prices reach them."""

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from pricing.models import Model
from tests.usage.made import NOON, record, stored
from usage.ingest.cuts import cuts_of
from usage.models import Cut, CutDay, CutHour, Day, Month, Quarter
from usage.query.forms import UsageFilterForm
from usage.query.plan import hours_of, months_of
from usage.query.reader import Reader
from usage.rollups.check import check
from usage.rollups.rebuild import rebuild

JAN_1, FEB_1, MAR_1 = 20454, 20485, 20513  # of 2026


def asked(**parameters):
    form = UsageFilterForm(
        {name: [value] if name in ("model", "source", "api_key") else value for name, value in parameters.items()}
    )
    assert form.is_valid(), form.errors
    return form.usage_filter()


def test_a_series_counts_in_everything_and_in_one_cut_of_each_label():
    values = {
        "": "",
        "model": "gpt-5",
        "source": "ann@example.com",
        "api_key": "",
        "provider": "codex",
        "endpoint": "POST /v1/responses",
        "reasoning_effort": "high",
        "tier": "flex",
    }
    of_labels = list(values.values())[1:]
    assert cuts_of(False, None, *of_labels) == [(*value, False) for value in values.items()]
    of_both = [(*value, alone) for alone in (False, True) for value in values.items()]
    assert cuts_of(True, 429, *of_labels) == [*of_both, ("status", "429", True)]


@pytest.mark.parametrize(
    ("span", "months", "days"),
    [
        ((None, None), [(None, None)], []),
        ((JAN_1, MAR_1), [(672, 674)], []),
        ((JAN_1 + 3, MAR_1 + 2), [(673, 674)], [(JAN_1 + 3, FEB_1), (MAR_1, MAR_1 + 2)]),
        ((JAN_1 + 3, FEB_1 + 2), [], [(JAN_1 + 3, FEB_1 + 2)]),
        ((FEB_1 + 1, None), [(674, None)], [(FEB_1 + 1, MAR_1)]),
        ((None, FEB_1 + 1), [(None, 673)], [(FEB_1, FEB_1 + 1)]),
    ],
)
def test_whole_months_are_read_as_such(span, months, days):
    assert months_of(span) == (months, days)


@pytest.mark.parametrize(
    ("span", "hours", "quarters"),
    [
        ((None, None), [(None, None)], []),
        ((3600, 10_800), [(3600, 10_800)], []),
        ((4500, 9000), [], [(4500, 9000)]),
        ((4500, 6300), [], [(4500, 6300)]),
        ((2700, 11_700), [(3600, 10_800)], [(2700, 3600), (10_800, 11_700)]),
        ((2700, None), [(3600, None)], [(2700, 3600)]),
    ],
)
def test_whole_hours_are_read_as_such(span, hours, quarters):
    assert hours_of(span) == (hours, quarters)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("parameters", "table"),
    [
        ({}, "usage_cutday"),
        ({"model": "gpt-5"}, "usage_cutday"),
        ({"result": "success"}, "usage_cutday"),
        ({"model": "gpt-5", "result": "success"}, "usage_cutday"),
        ({"model": "gpt-5", "source": "ann@example.com"}, "usage_month"),
        ({"provider": "codex"}, "usage_cutday"),
        ({"tier": "(none)"}, "usage_cutday"),
        ({"requested_model": "gpt-5"}, "usage_month"),
        ({"provider": "codex", "tier": "flex"}, "usage_month"),
        ({"status": "429"}, "usage_cutday"),
        ({"status": "0", "result": "failed"}, "usage_cutday"),
        ({"status": "429", "model": "gpt-5"}, "usage_month"),
        ({"status": "429", "result": "success"}, "usage_month"),
    ],
)
def test_one_label_is_read_from_its_cut_and_more_from_series(parameters, table):
    failed = {"failed": True, "fail": {"status_code": 429}}
    stored(record(NOON), record(NOON, **failed), record(NOON, failed=True))
    with CaptureQueriesContext(connection) as queries:
        Reader.of(asked(range="all", **parameters)).total()
    assert table in queries.captured_queries[-1]["sql"]


@pytest.mark.django_db
def test_a_price_that_changes_reaches_every_sum():
    stored(record(NOON), record(NOON + 1, failed=True))
    Model.objects.get(name="gpt-5").set_price({"prompt": 7, "completion": 11})
    cost = sum(Day.objects.values_list("cost", flat=True))
    assert cost > 0
    assert sum(Month.objects.values_list("cost", flat=True)) == cost
    everything = CutDay.objects.filter(cut__in=Cut.objects.of("", [""]).filter(failed=False))
    assert sum(everything.values_list("cost", flat=True)) == cost
    assert list(check()) == []


@pytest.mark.django_db
def test_sums_that_are_wrong_are_named_and_made_anew():
    stored(record(NOON))
    Month.objects.update(requests=5)
    CutDay.objects.filter(cut__label="model").update(total=1)
    CutHour.objects.filter(cut__label="source").update(failed=1)
    found = [(each.rollup, [name for name, *_ in each.wrong()]) for each in check()]
    assert found == [("CutHour", ["failed"]), ("CutDay", ["total"]), ("Month", ["requests"])]
    list(rebuild())
    assert list(check()) == []


if connection.vendor == "sqlite":

    @pytest.mark.django_db
    def test_totals_are_stored_in_the_order_in_which_they_are_read():
        """No look from an index to a row for each bucket, and no sorting."""
        plan = CutDay.objects.filter(cut=1).order_by("bucket").explain()
        assert plan.split(" ", 3)[3] == "SEARCH usage_cutday USING PRIMARY KEY (cut_id=?)"

    @pytest.mark.django_db
    def test_sums_of_many_series_are_read_in_the_order_of_time():
        """The index by series would have every row looked up, and all of them sorted."""
        rows = Quarter.objects.matching_in_order(asked(provider="codex", tier="flex")).between(900, None)
        plan = rows.values_list("bucket").annotate(n=Sum("requests")).order_by().explain()
        assert "SEARCH usage_quarter USING PRIMARY KEY (bucket>?)" in plan
        assert "TEMP B-TREE" not in plan
