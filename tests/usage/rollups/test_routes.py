"""Each route pays what its seller asks, also when the seller becomes known after the requests."""

import pytest

from catalog.models import Provider
from pricing.models import CatalogueEntry, Model, PriceSet, Route
from pricing.tasks import price_models
from tests.usage.made import DAY, NOON, record, stored
from usage.models import Day, LabelDay, Quarter
from usage.rollups.check import check
from usage.rollups.history import RecordedUsage

pytestmark = pytest.mark.django_db
TOKENS = {"input": 1_000_000, "output": 0, "cached": 0, "reasoning": 0, "total": 1_000_000}
ZAI, ZHIPU = "https://api.z.ai/api/anthropic", "https://open.bigmodel.cn/api/anthropic"
AT_ZAI, AT_ZHIPU = 1_000_000, 552_000  # what a million tokens of GLM-5 cost there, in µUSD


@pytest.fixture(autouse=True)
def two_days_later(set_clock):
    set_clock(NOON + 2 * DAY)


def used(index, model="glm-5", provider="claude", at=NOON, alias=""):
    names = {"model": model, "alias": alias or model, "provider": provider, "executor_type": ""}
    stored(record(at, **names, auth_index=index, tokens=TOKENS), arrived=at)


def key(index, url):
    Provider.objects.update_or_create(auth_index=index, defaults={"provider_type": "claude", "base_url": url})


def costs():
    """µUSD by auth index, None without a price; all totals say the same."""
    days = Day.objects.values_list("series__auth_index", "cost", "unpriced_tokens")
    found = {index: None if unpriced else cost / 1e6 for index, cost, unpriced in days}
    total = sum(filter(None, found.values()))
    for rows in (Quarter.objects.all(), LabelDay.objects.filter(label_value__label="")):
        assert sum(rows.values_list("cost", flat=True)) / 1e6 == total
    return found


def test_the_address_is_what_a_route_is_named_by():
    used("a")
    used("b", provider="codex", at=NOON + 1)
    key("a", ZAI)
    model = Model.objects.get()
    assert RecordedUsage().routes() == {model.pk: {("claude", "a"): ZAI, ("codex", "b"): ""}}


def test_an_address_that_becomes_known_later_corrects_the_past():
    used("a")
    price_models()
    assert costs() == {"a": AT_ZHIPU}  # the maker's
    key("a", ZAI)
    price_models()
    assert costs() == {"a": AT_ZAI}
    assert [str(route) for route in Route.objects.all()] == ["claude a: zai"]
    assert list(PriceSet.objects.values_list("scope", "matched")) == [("", "zai/GLM-5")]
    assert not CatalogueEntry.objects.get().corrects
    assert price_models().models == 0


def test_a_model_that_several_sell_has_a_price_for_each_route():
    key("a", ZAI)
    key("b", ZHIPU)
    used("a")
    used("b", at=NOON + 1)
    price_models()
    assert costs() == {"a": AT_ZAI, "b": AT_ZHIPU}
    assert set(PriceSet.objects.values_list("scope", "scope_value", "matched")) == {
        ("", "", "zhipuai/GLM-5"),
        ("seller", "zai", "zai/GLM-5"),
    }


def test_a_new_route_is_noticed():
    key("b", ZHIPU)
    used("b")
    price_models()
    key("a", ZAI)
    used("a", at=NOON + 1)
    price_models()
    assert costs() == {"a": AT_ZAI, "b": AT_ZHIPU}


def test_a_route_that_moves_to_another_seller_is_costed_again():
    key("a", ZAI)
    key("b", ZHIPU)
    used("a")
    used("b", at=NOON + 1)
    price_models()
    key("b", ZAI)
    price_models()
    assert costs() == {"a": AT_ZAI, "b": AT_ZAI}
    key("b", "")
    price_models()
    assert costs() == {"a": AT_ZAI, "b": AT_ZHIPU}


def test_a_route_that_moves_costs_what_is_priced_by_the_requested_name_again():
    key("a", ZAI)
    key("b", ZHIPU)
    used("a")
    used("b", at=NOON + 1)
    used("c", model="corp/unknown", alias="glm-5", at=NOON + 2)
    price_models()
    assert costs()["c"] == AT_ZHIPU
    key("c", ZAI)
    price_models()
    assert costs() == {"a": AT_ZAI, "b": AT_ZHIPU, "c": AT_ZAI}
    assert list(check()) == []


def test_an_open_price_waits_for_a_choice_which_is_then_followed():
    used("a", model="llama-3.3-70b-instruct", provider="openai-compatible-acme")
    price_models()
    entry = CatalogueEntry.objects.select_related("model").get()
    assert (costs(), entry.matched) == ({"a": None}, "")
    choice = entry.listing.candidates[1]
    entry.model.choose(choice.matched)
    rate = choice.sets[-1].cards[0].prompt
    assert costs() == {"a": rate}
    CatalogueEntry.objects.update(version="0.0.1")
    price_models()
    entry.refresh_from_db()
    assert (entry.matched, entry.chosen, entry.reason) == (choice.matched, choice.matched, "")
    assert (len(entry.listing.candidates) > 1, costs()) == (True, {"a": rate})


def test_a_choice_that_is_made_during_a_look_up_stays(monkeypatch):
    used("a", model="llama-3.3-70b-instruct", provider="openai-compatible-acme")
    price_models()
    entry, follow = CatalogueEntry.objects.get(), Model._followed

    def followed(model, *args):
        Model.objects.get().choose(entry.listing.candidates[1].matched)
        return follow(model, *args)

    monkeypatch.setattr(Model, "_followed", followed)
    CatalogueEntry.objects.update(version="0.0.1")
    price_models()
    monkeypatch.undo()
    entry.refresh_from_db()
    assert (entry.chosen, list(costs())) == (entry.listing.candidates[1].matched, ["a"])
    assert costs()["a"] is not None


def test_a_forgotten_choice_is_open_again():
    used("a", model="llama-3.3-70b-instruct", provider="openai-compatible-acme")
    price_models()
    entry = CatalogueEntry.objects.select_related("model").get()
    entry.model.choose(entry.listing.candidates[1].matched)
    entry.model.forget_choice()
    assert costs() == {"a": None}
    price_models()
    entry.refresh_from_db()
    assert (entry.chosen, entry.matched, entry.reason.split(":")[0]) == ("", "", "Ambiguous")


def test_what_a_choice_would_change_is_shown_first():
    used("a", model="llama-3.3-70b-instruct", provider="openai-compatible-acme")
    price_models()
    entry = CatalogueEntry.objects.select_related("model").get()
    choice = entry.listing.candidates[1]
    effect = entry.model.effect_of(lambda model: model.choose(choice.matched))
    assert effect.total.cost_after == choice.sets[-1].cards[0].prompt * 1_000_000
    entry.refresh_from_db()
    assert (entry.chosen, costs()) == ("", {"a": None})
