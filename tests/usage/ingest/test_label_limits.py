"""A label that has as many values as it may have: new ones share (other), the rest of the record stays exact."""

import dataclasses

import pytest

from aliases.models import ApiKey
from cpa_usage.keys import fingerprint
from pricing.models import Model
from tests.usage.made import NOON, record, rollups, stored, totals
from usage.ingest import labels
from usage.ingest.writer import Writer, retry
from usage.models import DeadLetter, DrainState, Event, LabelDay, LabelValue, LimitReading, Series
from usage.models.labels import LABELS, OTHER, OTHER_KEY, open_labels
from usage.rollups.check import check
from usage.rollups.rebuild import rebuild

pytestmark = pytest.mark.django_db
RATES = {"prompt": 2, "completion": 3}


@pytest.fixture
def most(monkeypatch):
    """A function that limits labels."""

    def limit(**limits):
        for name, number in limits.items():
            monkeypatch.setitem(LABELS, name, dataclasses.replace(LABELS[name], most=number))

    return limit


def by(label):
    """Requests of each value of a kept label."""
    rows = LabelDay.objects.of_label(label).values_list("label_value__value", "requests")
    return dict(rows)


def test_every_label_that_others_fill_is_limited():
    """Texts of Series that no table of ours lists; a display follows its source, and instances and tiers are ours."""
    texts = {field.name for field in Series._meta.concrete_fields if field.get_internal_type() in {"CharField"}}
    limited = {label.field for label in open_labels()}
    assert limited == texts - {"instance", "source_display", "tier"} | {"model", "api_key"}
    assert all(0 < label.most <= 10_000 for label in open_labels())


def test_models_beyond_the_limit_are_one_without_a_price_and_the_rest_stays_exact(most):
    most(model=2)
    for name in ("m0", "m3"):
        Model.objects.create(name=name).set_price(RATES)
    writer = Writer()
    stored(*(record(NOON + n, model=f"m{n}", alias=f"m{n}", latency_ms=9) for n in range(5)), writer=writer)
    stored(record(NOON + 9, model="m4", alias="m4", latency_ms=9), writer=writer)
    assert by("model") == {"m0": 1, "m3": 1, OTHER: 4}
    assert set(Model.objects.values_list("name", flat=True)) == {"m0", "m3", OTHER}
    assert set(Series.objects.values_list("requested_model", flat=True)) == {f"m{n}" for n in range(5)}
    sums = totals()
    assert (sums["requests"], sums["cost"]) == (6, 2 * (100 * 2 + 50 * 3))
    assert (sums["unpriced_tokens"], sums["unpriced_requests"]) == (4 * 150, 4)
    assert (DrainState.load().total_folded, list(check())) == (4, [])


def test_keys_beyond_the_limit_are_one_that_no_key_can_be_told_from(most):
    most(api_key=2)
    stored(*(record(NOON + n, api_key=f"sk-client-{n:010}") for n in range(6)))
    assert by("api_key") == {fingerprint("sk-client-0000000000"): 1, fingerprint("sk-client-0000000001"): 1} | {
        OTHER_KEY: 4
    }
    assert sorted(ApiKey.objects.values_list("mask", flat=True)) == [OTHER, "sk-c****0000", "sk-c****0001"]
    assert (totals()["requests"], list(check())) == (6, [])


@pytest.mark.parametrize(
    "label, field",
    [
        ("source", "source"),
        ("auth_index", "auth_index"),
        ("provider", "provider"),
        ("endpoint", "endpoint"),
        ("requested_model", "alias"),
        ("reasoning_effort", "reasoning_effort"),
    ],
)
def test_a_full_label_folds_alone(most, label, field):
    most(**{label: 2})
    before = record(NOON, **{field: "one"}), record(NOON + 1, **{field: "two"})
    stored(*before)
    stored(*(record(NOON + 2 + n, **{field: f"value-{n}"}) for n in range(3)), record(NOON + 9, **{field: "two"}))
    column = LABELS[label].column
    assert dict(Event.objects.values_list("timestamp", f"series__{column}")) == {
        NOON: "one",
        NOON + 1: "two",
        **{NOON + 2 + n: OTHER for n in range(3)},
        NOON + 9: "two",
    }
    assert Series.objects.count() == 3
    other, one = Series.objects.get(**{column: OTHER}), Series.objects.get(**{column: "one"})
    changed = [f.name for f in Series._meta.concrete_fields if getattr(other, f.attname) != getattr(one, f.attname)]
    assert changed[2:] == [label] + ["source_display"] * (label == "source")
    assert (DrainState.load().total_folded, list(check())) == (3, [])


def test_what_was_known_keeps_its_name_after_a_restart_and_a_blank_never_folds(most):
    most(source=1, reasoning_effort=1)
    stored(record(NOON, source="ann@example.com", reasoning_effort="high"))
    stored(
        record(NOON + 1, source="ann@example.com", reasoning_effort="high", alias="other-set"),
        record(NOON + 2, source="", reasoning_effort=""),
        record(NOON + 3, source="bob@example.com", reasoning_effort="low"),
    )
    assert by("source") == {"ann@example.com": 2, "": 1, OTHER: 1}
    assert by("reasoning_effort") == {"high": 2, "": 1, OTHER: 1}


def test_a_model_that_a_person_prices_is_told_from_the_others_at_once(most):
    most(model=1)
    writer = Writer()
    stored(record(NOON, model="m0"), record(NOON + 1, model="m1"), writer=writer)
    Model.objects.set_price("m1", RATES)
    stored(record(NOON + 2, model="m1"), writer=writer)
    assert by("model") == {"m0": 1, "m1": 1, OTHER: 1}
    assert (totals()["cost"], list(check())) == (100 * 2 + 50 * 3, [])


def test_duplicates_replays_and_a_rebuild_change_nothing(most):
    most(model=2, api_key=2, source=2)
    batch = [
        record(NOON + n, model=f"m{n}", api_key=f"sk-client-{n:010}", source=f"u{n}@example.com") for n in range(9)
    ]
    stored(*batch)
    tables = (Model, ApiKey, Series, LabelValue)
    before = rollups(), [table.objects.count() for table in tables]
    result = stored(*reversed(batch))
    assert (result.events, result.duplicates) == (0, 9)
    list(rebuild())
    assert (rollups(), [table.objects.count() for table in tables]) == before
    assert list(check()) == []


def test_a_dead_letter_that_is_retried_folds_like_any_record(most, settings):
    most(model=1)
    settings.USAGE_RETENTION_DAYS = 1
    stored(record(NOON, model="m0"))
    DrainState.objects.filter(pk=1).update(events_from=NOON)
    stored(record(NOON - 1, model="m1"))
    DrainState.objects.filter(pk=1).update(events_from=None)
    assert (retry(DeadLetter.objects.all()), by("model")) == (1, {"m0": 1, OTHER: 1})
    assert list(check()) == []


def test_limits_of_accounts_are_not_noted_for_all_others(most):
    most(auth_index=1)
    headers = {"X-Ratelimit-Remaining-Requests": ["9"]}
    stored(*(record(NOON + n, auth_index=f"account-{n}", response_headers=headers) for n in range(3)))
    assert list(LimitReading.objects.values_list("auth_index", flat=True)) == ["account-0"]


def test_what_the_writer_remembers_is_bounded_and_forgetting_changes_nothing(monkeypatch, most):
    most(model=5, api_key=5)
    for module in ("usage.ingest.labels", "usage.ingest.labelvalues", "pricing.book"):
        monkeypatch.setattr(f"{module}.REMEMBERED", 10)
    writer = Writer()
    items = [record(NOON + n, model=f"m{n}", api_key=f"sk-client-{n:010}", alias=f"a{n % 20}") for n in range(90)]
    for start in range(0, 90, 5):
        stored(*items[start : start + 5], writer=writer)
        memory = writer.series, writer.totals, writer.book
        sizes = [len(each) for owner in memory for each in vars(owner).values() if isinstance(each, dict)]
        assert max(sizes) <= 2 * 10 + 5
    assert (totals()["requests"], by("model")[OTHER], labels.REMEMBERED) == (90, 85, 10)
    assert list(check()) == []
