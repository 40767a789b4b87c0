"""Kept totals of label values: what counts in which, that prices reach them, and how they are stored."""

import pytest
from django.db import connection
from django.db.models import F

from pricing.models import Model
from tests.usage.made import NOON, record, rollups, stored, totals
from usage.models import LabelDay, LabelQuarter, LabelValue
from usage.models.labels import kept_labels
from usage.rollups.check import check
from usage.rollups.rebuild import rebuild

pytestmark = pytest.mark.django_db

BUSY = {"failed": True, "fail": {"status_code": 429, "body": "busy"}}


def counted(measure="requests"):
    """{(label, value): a measure of its days}."""
    rows = LabelDay.objects.values_list("label_value__label", "label_value__value", measure)
    return {(label, value): count for label, value, count in rows}


def test_a_record_counts_in_everything_and_in_one_value_of_each_label():
    stored(record(NOON, reasoning_effort="high", service_tier="flex"))
    key = LabelValue.objects.get(label="api_key").value
    assert counted() == {
        ("", ""): 1,
        ("model", "gpt-5"): 1,
        ("source", "ann@example.com"): 1,
        ("api_key", key): 1,
        ("result", "success"): 1,
        ("provider", "codex"): 1,
        ("endpoint", "POST /v1/responses"): 1,
        ("reasoning_effort", "high"): 1,
        ("tier", "flex"): 1,
    }
    assert {label for label, _ in counted()} == {"", *(label.name for label in kept_labels())} - {"status"}


def test_a_failure_counts_in_its_status_too():
    stored(record(NOON, **BUSY), record(NOON + 1, failed=True), record(NOON + 2))
    found = counted()
    assert {key: count for key, count in found.items() if key[0] in ("", "result", "status")} == {
        ("", ""): 3,
        ("result", "failed"): 2,
        ("result", "success"): 1,
        ("status", "0"): 1,
        ("status", "429"): 1,
    }


def test_blank_values_are_values():
    stored(record(NOON, api_key="", reasoning_effort="", service_tier=""))
    found = counted()
    assert [found["api_key", ""], found["reasoning_effort", ""], found["tier", ""]] == [1, 1, 1]


def test_the_values_of_a_label_add_up_to_everything():
    stored(*(record(NOON + n, model=f"model-{n % 3}", source=f"{n % 4}@example.com") for n in range(12)))
    stored(*(record(NOON + n, model=f"model-{n % 2}", **BUSY) for n in range(20, 24)))
    everything = totals(LabelDay)["requests"] // len({label for label, _ in counted()} - {"status"})
    for label in ("", "model", "source", "api_key", "result", "provider", "endpoint"):
        assert sum(count for (name, _), count in counted().items() if name == label) == 16
    assert everything == 16


def test_a_price_that_changes_reaches_every_total():
    stored(record(NOON), record(NOON + 1, failed=True))
    Model.objects.get(name="gpt-5").set_price({"prompt": 7, "completion": 11})
    cost = totals()["cost"]
    assert cost > 0
    assert counted("cost")["", ""] == counted("cost")["model", "gpt-5"] == cost
    assert sum(counted("cost")["result", result] for result in ("success", "failed")) == cost
    assert list(check()) == []


def test_totals_that_are_wrong_are_named_and_counted_again():
    stored(record(NOON))
    right = rollups()
    LabelQuarter.objects.filter(label_value__label="source").update(failed=F("failed") + 1)
    LabelDay.objects.filter(label_value__label="model").update(total=1)
    LabelDay.objects.filter(label_value__label="tier").delete()
    label_of = dict(LabelValue.objects.values_list("id", "label"))
    found = {(each.rollup, label_of[each.owner]): [name for name, *_ in each.wrong()] for each in check()}
    every_measure = found.pop(("LabelDay", "tier"))
    assert found == {("LabelQuarter", "source"): ["failed"], ("LabelDay", "model"): ["total"]}
    assert {"requests", "total"} <= set(every_measure)
    list(rebuild())
    assert (list(check()), rollups()) == ([], right)


if connection.vendor == "sqlite":

    def test_totals_are_stored_in_the_order_in_which_they_are_read():
        """No look from an index to a row for each bucket, and no sorting."""
        plan = LabelDay.objects.filter(label_value=1).order_by("bucket").explain()
        assert plan.split(" ", 3)[3] == "SEARCH usage_labelday USING PRIMARY KEY (label_value_id=?)"
