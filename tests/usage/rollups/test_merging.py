"""Values of a label that become one: sums stay, costs follow, and a running drain goes on."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from aliases.models import ApiKey
from cpa_usage.keys import fingerprint
from pricing.models import Adjustment, Model, RateCard
from tests.usage.made import DAY, NOON, record, stored, totals
from usage.ingest.writer import Writer
from usage.models import MEASURES, Day, Duration, Event, LabelDay, LabelValue, Lease, Series
from usage.models.labels import LABELS, OTHER, OTHER_KEY
from usage.rollups.check import check
from usage.rollups.merging import Merge, matching, target
from usage.rollups.rebuild import rebuild
from usage.rollups.retention import expire, move_events_from

pytestmark = pytest.mark.django_db(transaction=True)
COSTS = {"cost", "unpriced_tokens", "unpriced_requests"}


def run(label, patterns, into=OTHER):
    label = LABELS[label]
    merge = Merge(label, matching(label, patterns), target(label, into))
    days = list(merge.run(pause=lambda seconds: None))
    assert list(check()) == []
    return days


def by(label, *measures):
    rows = (
        LabelDay.objects.of_label(label).sums_of(MEASURES, "label_value__value")
        if not measures
        else LabelDay.objects.of_label(label).sums_of(measures, "label_value__value")
    )
    return {value: sums[0] for value, *sums in rows}


def counted():
    return {name: value for name, value in totals().items() if name not in COSTS}


def junk(count=6, days=3, **fields):
    """Records of models and keys that a flood has named, over some days, between those of others."""
    for day in range(days):
        at = NOON - day * DAY
        yield record(at, latency_ms=50, **fields)
        for n in range(count):
            names = {"model": f"junk-{n}", "alias": f"asked-{n}", "api_key": f"sk-junk-{n:010}"}
            yield record(at + 1 + n, latency_ms=70, **names | fields)


def test_models_become_other_and_every_total_but_the_cost_stays():
    Model.objects.create(name="gpt-5").set_price({"prompt": 2, "completion": 3})
    Model.objects.create(name="junk-0").set_price({"prompt": 5, "completion": 5})
    stored(*junk())
    before, cost = counted(), 3 * (100 * 2 + 50 * 3)
    assert run("model", ["junk-*"]) == [(1, 3), (2, 3), (3, 3)]
    assert counted() == before
    assert (totals()["cost"], totals()["unpriced_tokens"]) == (cost, 18 * 150)
    assert by("model", "requests") == {"gpt-5": 3, OTHER: 18}
    assert set(Series.objects.values_list("model__name", flat=True)) == {"gpt-5", OTHER}
    assert set(Duration.objects.values_list("model__name", flat=True)) == {"gpt-5", OTHER}
    assert set(Model.objects.values_list("name", flat=True)) == {"gpt-5", "junk-0", OTHER}  # one has a price by hand
    assert set(LabelValue.objects.filter(label="model").values_list("value", flat=True)) == {"gpt-5", OTHER}
    assert set(Series.objects.values_list("requested_model", flat=True)) == {"gpt-5", *(f"asked-{n}" for n in range(6))}
    list(rebuild())
    assert (counted(), totals()["cost"], list(check())) == (before, cost, [])


def test_a_price_of_the_name_that_was_asked_for_still_counts():
    stored(record(NOON, model="junk-0", alias="gpt-5"))
    Model.objects.set_price("gpt-5", {"prompt": 2, "completion": 3})
    assert Merge(LABELS["model"], ["junk-0"], OTHER).effect().total.unpriced_after == 0
    run("model", ["junk-0"])
    assert (totals()["cost"], by("model", "requests")) == (100 * 2 + 50 * 3, {OTHER: 1})


def test_costs_follow_the_model_merged_into_with_its_context_sizes():
    Model.objects.create(name="a").set_price({"prompt": 1, "completion": 1})
    big = Model.objects.create(name="b")
    big.set_cards([RateCard(prompt=2, completion=0), RateCard(prompt=7, completion=0, context_over=60)])
    stored(record(NOON, model="a", alias="a"), record(NOON + 1, model="b", alias="b"))
    large = 7 * 100
    effect = Merge(LABELS["model"], ["a"], "b").effect().total
    run("model", ["a"], "b")
    assert (totals()["cost"], effect.cost_after) == (2 * large, large)
    assert Series.objects.filter(model__name="b").values_list("context_over", flat=True).distinct().get() == 60


def test_days_whose_events_are_gone_are_merged_too():
    Model.objects.create(name="gpt-5").set_price({"prompt": 2, "completion": 3})
    stored(*junk(count=2))
    move_events_from(Day.objects.order_by("-bucket").first().bucket)
    expire(pause=lambda seconds: None)
    assert Event.objects.count() == 3
    before, cost = counted(), totals()["cost"]
    run("model", ["junk-0"], "junk-1")
    assert by("model", "requests") == {"gpt-5": 3, "junk-1": 6}
    assert counted() == before
    run("model", ["junk-1"], "gpt-5")
    assert (by("model", "requests"), totals()["cost"]) == ({"gpt-5": 9}, cost * 3)
    assert counted() == before


@pytest.mark.parametrize(
    "label, field, values",
    [
        ("source", "source", ["a@example.com", "b@example.com"]),
        ("auth_index", "auth_index", ["account-a", "account-b"]),
        ("provider", "provider", ["codex", "claude"]),
        ("endpoint", "endpoint", ["POST /a", "POST /b"]),
        ("requested_model", "alias", ["alias-a", "alias-b"]),
        ("reasoning_effort", "reasoning_effort", ["high", "low"]),
    ],
)
@pytest.mark.parametrize("into", (0, OTHER))
def test_every_label_can_be_merged(label, field, values, into):
    stored(*(record(NOON + n, **{field: value}) for n, value in enumerate(values)), record(NOON + 9))
    before, into = counted(), OTHER if into else values[0]
    run(label, values[1:], into)
    found = set(Series.objects.values_list(LABELS[label].column, flat=True))
    assert values[1] not in found and into in found
    assert counted() == before


def test_a_key_is_merged_by_name_mask_or_itself_and_its_price_no_longer_counts():
    Model.objects.create(name="gpt-5").set_price({"prompt": 2, "completion": 3})
    stored(*(record(NOON + n, api_key=f"sk-client-{n:04}-{n:04}") for n in range(5)))
    key = fingerprint("sk-client-0001-0001")
    ApiKey.objects.describe(key, alias="Ann's laptop")
    Adjustment.objects.create(scope="api_key", value=fingerprint("sk-client-0002-0002"), factor=3)
    assert matching(LABELS["api_key"], ["Ann's*"]) == matching(LABELS["api_key"], ["sk-client-0001-0001"]) == [key]
    run("api_key", ["Ann's*", "sk-client-0002-0002", "sk-c****0003"])
    assert by("api_key", "requests") == {
        fingerprint("sk-client-0000-0000"): 1,
        fingerprint("sk-client-0004-0004"): 1,
        OTHER_KEY: 3,
    }
    # What people have said about a key stays: its name, and what it pays.
    assert set(ApiKey.objects.values_list("mask", flat=True)) == {
        "sk-c****0000",
        "sk-c****0001",
        "sk-c****0002",
        "sk-c****0004",
        OTHER,
    }
    assert totals()["cost"] == 5 * (100 * 2 + 50 * 3)


def test_a_writer_beside_it_meets_the_values_again():
    writer = Writer()
    stored(*junk(count=3, days=1), writer=writer)
    run("model", ["junk-*"])
    stored(record(NOON + 50, model="junk-1", alias="junk-1"), record(NOON + 51), writer=writer)
    assert by("model", "requests") == {"gpt-5": 2, OTHER: 3, "junk-1": 1}
    assert list(check()) == []


@pytest.mark.parametrize("field, value", [("source", "a@example.com"), ("api_key", "sk-junk-0000000001")])
def test_a_writer_beside_it_makes_rows_again_for_label_sets_that_are_gone(field, value):
    writer = Writer()
    stored(record(NOON, **{field: value}), record(NOON + 1), writer=writer)
    run(field, [value])
    stored(record(NOON + 2, **{field: value}), writer=writer)
    assert sorted(by(field, "requests").values()) == [1, 1, 1]
    assert Event.objects.filter(series__in=Series.objects.all()).count() == 3
    assert list(check()) == []


def test_what_is_stored_while_it_runs_is_merged_too_and_each_step_is_whole():
    stored(*junk(count=2))
    writer, late = Writer(), iter(range(100))

    def meanwhile(seconds):
        assert list(check()) == []
        n = next(late)
        stored(record(NOON - DAY + 500 + n, model="junk-1", alias=f"late-{n % 2}"), writer=writer)

    merge = Merge(LABELS["model"], ["junk-0", "junk-1"], OTHER)
    steps = merge.run(pause=meanwhile)
    for _ in range(5):  # to the middle of the second round
        if next(steps, None) is None:
            break
    assert list(check()) == []
    steps.close()
    assert not Lease.objects.exists()
    assert run("model", ["junk-*"]) is not None
    assert "junk-1" not in set(Series.objects.values_list("model__name", flat=True))
    assert totals()["requests"] == Event.objects.count()


def test_only_one_merge_or_retention_runs_at_a_time():
    stored(*junk(count=1, days=1))
    lease = Lease.take("retention", timedelta(minutes=5))
    with pytest.raises(CommandError, match="Retention or another merge is running"):
        call_command("mergelabels", "model", "junk-*", stdout=StringIO())
    lease.release()
    call_command("mergelabels", "model", "junk-*", stdout=StringIO())
    assert by("model", "requests") == {"gpt-5": 1, OTHER: 1}


def test_the_command_says_what_it_does_first():
    Model.objects.create(name="junk-0").set_price({"prompt": 10**9, "completion": 0})
    stored(*junk(count=2))
    before, out = totals(), StringIO()
    call_command("mergelabels", "model", "junk-*", "--dry-run", stdout=out)
    assert out.getvalue().splitlines() == [
        "Model: 2 values with 2 label sets and 6 requests become (other).",
        "Their cost: 0.300000 -> 0.000000 USD; tokens of unknown cost: 450 -> 900.",
        "Nothing was changed.",
    ]
    assert totals() == before


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["model", "nothing-*"], "No Model fits nothing-*."),
        (["model", "junk-*", "--into", "no-such"], "Model no-such: nothing has this name."),
        (["source", "(other)", ""], "No Account fits (other) ."),
        (["api_key", "*", "--into", "sk-j****0000"], "Key sk-j****0000: several have this name."),
    ],
)
def test_what_cannot_be_merged_is_refused_in_a_line(words, sentence):
    stored(*junk(count=1), record(NOON + 99, api_key="sk-jX-0000"))
    before = totals()
    with pytest.raises(CommandError) as refused:
        call_command("mergelabels", *words, stdout=StringIO())
    assert (str(refused.value), totals()) == (sentence, before)
