"""The page of a request says why it costs what it costs, and why a cost is not known."""

import re
from datetime import date
from decimal import Decimal

import pytest

from pricing.catalogue.listings import Card, DatedCards, Listing, Offer
from pricing.models import Adjustment, Model, PriceSet
from tests.usage.made import NOON, record, stored
from usage.models import Event

pytestmark = pytest.mark.django_db

NOV_24 = date(2026, 11, 24)
LONG = Card("", 250, 3_000_000, 9_000_000, cache_write=4_000_000, cache_write_1h=6_000_000)
CARDS = (Card("", 0, 2_000_000, 8_000_000), LONG)
WRITES = {"input": 300, "output": 50, "reasoning": 0, "cached": 0, "cache_creation": 20, "total": 350}


@pytest.fixture(autouse=True)
def noon(set_clock):
    """The pages of prices show the last 7 days."""
    set_clock(NOON)


def page_of(client, language="en", **fields):
    stored(record(NOON, **fields))
    reply = client.get(f"/requests/{Event.objects.get().key}/", headers={"Accept-Language": language})
    assert reply.status_code == 200
    return " ".join(reply.text.split())


def priced(*cards, name="gpt-5", note="", matched="openai/gpt-5"):
    model = Model.objects.get_or_create(name=name)[0]
    model.follow_catalogue(Listing(matched, (DatedCards(None, cards, note),)), "1", NOV_24)


def test_the_entry_tier_step_and_note_are_said(client):
    priced(*CARDS, note="The cost leaves out web searches.")
    text = page_of(client, service_tier="priority", tokens=WRITES)
    for said in (
        "openai/gpt-5 of the catalogue",
        "<dt>Valid from</dt> <dd> always </dd>",
        "Codex accounts always answer “default”: the tier asked for counts.",
        "The price has no rates for this tier: the standard ones count.",
        "300 tokens of input: the rates for more than 250",
        "The cost leaves out web searches.",
    ):
        assert said in text


def test_a_cost_that_may_be_higher_is_marked(client):
    priced(*CARDS)
    text = page_of(client, tokens=WRITES)
    assert "CPA does not say for how long 20 tokens were written to a cache." in text
    assert text.count("≥ <data") == 2  # in the sum, and among the attempts
    item = client.get("/api/v1/usage/events?range=all").json()["items"][0]
    assert (item["cost_is_minimum"], item["cost"] > 0) == (True, True)


def test_rates_are_shown_as_on_the_page_of_prices(client):
    priced(Card("", 0, 300_000, 8_000_000))
    assert '<td class="num">$0.30</td>' in page_of(client, tokens=WRITES)


def test_a_cost_that_is_known_is_not_marked(client):
    priced(CARDS[0])
    text = page_of(client, tokens=WRITES)
    assert "≥" not in text
    assert client.get("/api/v1/usage/events?range=all").json()["items"][0]["cost_is_minimum"] is False


def test_adjustments_are_said(client):
    priced(*CARDS)
    half = {"factor": Decimal("0.3"), "request": 10**10, "note": "reseller"}
    Adjustment.objects.create(scope="provider", value="codex", **half)
    text = page_of(client)
    assert "× 0.3 and $0.0100 for each success for the provider codex · reseller" in text
    assert "Fee for the request" in text


def test_a_price_of_the_requested_name_is_said(client):
    Model.objects.set_price("office-fast", {"prompt": 10**6, "completion": 2 * 10**6})
    text = page_of(client, model="corp/llm-7b", alias="office-fast")
    assert "corp/llm-7b has no price of its own: priced by the requested name, office-fast." in text
    assert "set by hand" in text


def test_why_there_is_no_cost_is_said(client):
    Model.objects.create(name="glm-5").follow_catalogue(Listing(reason="Ambiguous: a, b."), "1", NOV_24)
    text = page_of(client, model="glm-5", executor_type="OddExecutor", provider="odd")
    assert "The model has no price for this day. Ambiguous: a, b." in text
    assert "CPA's executor is not known: its tokens are counted the OpenAI way." in text


def ambiguous():
    offers = tuple(
        Offer(seller, f"{seller}/glm-5", (DatedCards(None, (Card("", 0, rate, 2 * rate),)),))
        for seller, rate in (("zai", 600_000), ("openrouter", 700_000))
    )
    listing = Listing(reason="Ambiguous: zai, openrouter.", candidates=offers)
    Model.objects.create(name="glm-5").follow_catalogue(listing, "1", NOV_24)


def test_one_click_chooses_among_the_candidates(client):
    ambiguous()
    text = page_of(client, model="glm-5", alias="glm-5", provider="openai-compatible-x", auth_type="apikey")
    assert "$0.60 / $1.20" in text and "$0.70 / $1.40" in text
    assert client.get("/prices/").text.count("Use this price") == 2
    before, wanted = Model.objects.get().choice(), {"model": "glm-5", "matched": "openrouter/glm-5"}

    def chosen(**more):
        reply = client.post("/prices/choose/", wanted | more, headers={"HX-Request": "true", "HX-Boosted": "true"})
        return client.get(reply["Location"].removeprefix("/usage")).text

    assert "glm-5 as openrouter/glm-5: 7 days: $0 → $" in chosen(preview="1") and not PriceSet.objects.exists()
    page = chosen()
    assert "Price of glm-5 saved. 7 days: $0 → $" in page
    event = f"/api/v1/usage/events/{Event.objects.get().key}"
    item = client.get(event).json()
    assert (item["price"]["matched"], item["price"]["candidates"], item["cost"] > 0) == ("openrouter/glm-5", [], True)
    kept = re.search(r'name="undo"\s+value="([^"]+)"', page)[1]
    client.post("/undo/", {"undo": kept, "next": "/usage/prices/"})
    assert "Undone: glm-5 is as it was before." in client.get("/prices/").text
    item = client.get(event).json()
    assert (item["price"]["matched"], item["cost"], Model.objects.get().choice()) == ("", None, before)
    assert client.get("/prices/").text.count("Use this price") == 2


@pytest.mark.parametrize(
    ("posted", "said"),
    [
        ({"model": "glm-5", "matched": "zai/glm-4"}, "The catalogue names no such candidate with a price."),
        ({"model": "glm-6", "matched": "zai/glm-5"}, "There is no such model."),
    ],
)
def test_what_is_no_candidate_is_refused(client, posted, said):
    ambiguous()
    page = client.get(client.post("/prices/choose/", posted)["Location"].removeprefix("/usage"))
    assert said in page.text


def test_a_success_without_tokens_has_no_cost(client):
    priced(*CARDS)
    text = page_of(client, tokens=dict.fromkeys(WRITES, 0))
    assert "CPA reported no tokens for this request, and its price is per token." in text
    assert "$0<" not in text


def test_it_is_said_in_chinese(client):
    priced(*CARDS)
    text = page_of(client, "zh-CN", tokens=WRITES)
    assert "价目表中的 openai/gpt-5" in text
    assert "Codex 账号总是返回" in text


def test_notes_of_the_catalogue_are_said_in_chinese(client):
    priced(*CARDS, note="The cost leaves out audio and web searches.")
    text = page_of(client, "zh-CN", tokens=WRITES)
    assert "费用不含音频和网页搜索。" in text and "leaves out" not in text
