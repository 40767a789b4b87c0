"""The page of prices: those of a provider, an account or a client key, hours, fees, and resellers' factors."""

import re
from datetime import UTC, date, datetime

import pytest
from django.core import signing
from django.test import Client
from rest_framework.exceptions import APIException

from aliases.models import ApiKey
from cpa_usage.keys import fingerprint
from pricing.models import Adjustment, Model, PriceSet, RateCard, Revision, adjusting
from tests.threads import at_once
from tests.usage.made import DAY, NOON, record, stored
from usage.dashboard.undoing import SALT
from usage.models import Day
from usage.rollups.check import check

pytestmark = pytest.mark.django_db

USD, PICO = 1_000_000, 10**12
ALICE = "sk-client-alice-0001"
KEY = f"api_key:{fingerprint(ALICE)}"
TODAY = date(2026, 11, 24)


@pytest.fixture
def gpt(set_clock):
    """A request of today, at $1 a million tokens of input."""
    set_clock(datetime(2026, 11, 24, 6, tzinfo=UTC))
    stored(record(NOON), arrived=NOON)
    model = Model.objects.get()
    model.set_price({"prompt": USD, "completion": 0})
    return model


def post(client, address, **fields):
    """What the page says after a form was sent."""
    reply = client.post(f"/prices/{address}/", fields)
    assert reply.status_code == 302
    return client.get(reply["Location"].removeprefix("/usage")).text


def form_of(client, address, **query):
    """The part of a page that a dialog shows."""
    return client.get(f"/{address}/", query).text.split('id="edit"')[1].partition("</section>")[0]


def spent():
    assert list(check()) == []
    return sum(Day.objects.values_list("cost", flat=True))


def row_of(page, name):
    """The row of the table whose first cell says this."""
    rows = re.findall(r"<tr.*?</tr>", page, re.DOTALL)
    return next(row for row in rows if f'title="{name}"' in row)


def test_a_price_of_a_client_key_stands_under_its_model_by_the_name_of_the_key(client, gpt):
    ApiKey.objects.describe(ALICE, alias="Alice's laptop")
    page = post(client, "set", model="gpt-5", whose=KEY, prompt="3", completion="0", request_price="0.5")
    assert "Price of gpt-5 saved. 7 days: $0.0001 → $0.5003" in page and spent() == 300 * USD + PICO // 2
    row = row_of(page, "client key Alice&#x27;s laptop")
    assert 'class="under"' in row and "3.00" in row and "Fee per request 0.50" in re.sub(r"\s+", " ", row)
    assert page.index('title="gpt-5"') < page.index("client key Alice")
    assert "1.00" in row_of(page, "gpt-5") and 'value="1.0"' in form_of(client, "prices/edit", edit="gpt-5")
    assert 'value="3.0"' in form_of(client, "prices/edit", edit="gpt-5", whose=KEY)
    page = post(client, "set", model="gpt-5", whose=KEY, clear="1")
    assert "Price of gpt-5 cleared." in page and "client key Alice" not in page
    assert spent() == 100 * USD


def test_a_model_with_only_such_a_price_has_none_today(client, gpt):
    gpt.clear_price()
    page = post(client, "set", model="gpt-5", whose="provider:codex", prompt="3", completion="0")
    assert spent() == 300 * USD
    assert "Set price" in row_of(page, "gpt-5") and "3.00" in row_of(page, "provider codex")


def test_what_can_have_a_price_is_offered_by_its_name(client, gpt):
    ApiKey.objects.describe(ALICE, alias="Alice's laptop")
    page = form_of(client, "prices/edit")
    assert '<option value="gpt-5">' in page
    for value, text in (
        ("provider:codex", "codex"),
        ("account:ann@example.com", "ann@example.com"),
        (KEY, "Alice&#x27;s"),
    ):
        assert re.search(rf'<option value="{re.escape(value)}">{re.escape(text)}', page)
    assert ALICE not in page


def test_hours_have_rates_of_their_own_and_blank_ones_are_as_else(client, gpt):
    fields = {"prompt": "2", "completion": "4", "cache": "1", "cache_write_1h": "5"}
    page = post(
        client, "set", model="gpt-5", **fields, hours_from="16:30", hours_to="00:30", off_prompt="1", off_completion="2"
    )
    cards = RateCard.objects.values_list(
        "hours_from", "hours_to", "prompt", "completion", "cache_read", "cache_write_1h"
    )
    assert set(cards) == {
        (None, None, 2 * USD, 4 * USD, USD, 5 * USD),
        (990, 30, USD, 2 * USD, USD, 5 * USD),
    }
    row = re.sub(r"\s+", " ", row_of(page, "gpt-5"))
    assert "16:30–00:30 UTC: 1.00 / 2.00" in row and "1-hour write 5.00" in row
    assert ">2.00</td>" in row and ">4.00</td>" in row  # although it holds at midnight
    form = re.sub(r"\s+", " ", form_of(client, "prices/edit", edit="gpt-5"))
    for field in ('name="hours_from" step="900" value="16:30"', 'name="off_completion"', 'name="off_cache"'):
        assert field in form
    assert spent() == 60 * 2 * USD + 40 * USD + 50 * 4 * USD


def test_cards_that_the_form_does_not_show_are_counted(client, gpt):
    cards = [RateCard(prompt=1, completion=1), RateCard(tier="flex", prompt=2, completion=1)]
    gpt.put_set(gpt.price_sets.get(), cards)
    assert "Saving replaces 1 card with a tier" in form_of(client, "prices/edit", edit="gpt-5")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"whose": "api_key:sk-c****0001"}, "scope_value: This is a masked key: give the key or its fingerprint."),
        ({"whose": "planet:x"}, "scope: "),
        ({"request_price": "101"}, "request_price: A fee is at most 100 USD per request."),
        ({"prompt": " "}, "prompt_price_per_1m: A number is needed."),
        ({"completion": ""}, "completion_price_per_1m: A number is needed."),
        ({"hours_from": "16:30"}, "cards.hours_to: Hours have a beginning and an end."),
        ({"hours_from": "16:31", "hours_to": "17:00"}, "cards.1.hours_from: A time is written as 16:30"),
    ],
)
def test_what_is_impossible_is_refused_with_its_field(client, gpt, fields, sentence):
    page = post(client, "set", **{"model": "gpt-5", "prompt": "2", "completion": "0", "cache": "0.7"} | fields)
    assert sentence in page
    assert 'name="cache"' in page and 'value="0.7"' in page  # what was filled in is there
    assert PriceSet.objects.get().cards.get().prompt == USD


# --- Factors and fees ---------------------------------------------------------------------------------------------


def test_without_any_factor_the_page_says_so(client, gpt):
    assert "All usage is billed at list prices." in client.get("/prices/").text


def test_a_factor_is_added_changed_ended_and_removed(client, gpt):
    page = post(client, "adjust", whose="provider:codex", factor="0.3", note="Reseller")
    assert "Factor and fee of provider codex saved. 7 days: $0.0001 → &lt;$0.0001" in page and spent() == 30 * USD
    row = row_of(page, "provider codex")
    assert "× 0.3" in row and "always" in row and "in force" in row and "Reseller" in row
    page = post(client, "adjust", whose="provider:codex", factor="0.5", request_price="0.25", note="Reseller")
    assert (Adjustment.objects.count(), spent()) == (1, 50 * USD + PICO // 4)
    page = post(client, "adjust", whose="provider:codex", end="1")
    assert spent() == 100 * USD
    assert [(each.valid_from, each.factor) for each in Adjustment.objects.all()] == [(None, 0.5), (TODAY, 1)]
    assert "past" in row_of(page, "provider codex")
    ended = Adjustment.objects.get(valid_from=TODAY)
    assert "End today" not in form_of(client, "prices/adjust/edit", edit=ended.pk)
    page = post(client, "adjust", remove=str(ended.pk))
    assert "Factor and fee of provider codex removed. 7 days: $0.0001 → $0.2500" in page
    assert spent() == 50 * USD + PICO // 4
    assert "End today" in form_of(client, "prices/adjust/edit", edit=Adjustment.objects.get().pk)
    assert "It was removed already." in post(client, "adjust", remove="nothing")


def test_a_factor_to_come_is_changed_on_its_day(client, gpt):
    adjusting.enter("api_key", ALICE, date(2026, 12, 1), factor="0.5")
    row = row_of(client.get("/prices/").text, "client key sk-c****0001")
    form = form_of(client, "prices/adjust/edit", edit=Adjustment.objects.get().pk)
    assert "to come" in row and 'type="hidden" name="valid_from" value="2026-12-01"' in form
    post(client, "adjust", whose=KEY, factor="0.4", valid_from="2026-12-01")
    assert [(each.valid_from, float(each.factor)) for each in Adjustment.objects.all()] == [(date(2026, 12, 1), 0.4)]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"whose": ""}, "scope: "),
        ({"whose": "provider:"}, "value: "),
        ({"factor": "much"}, "factor: A number is needed."),
        ({"factor": "nan"}, "factor: A number is needed."),
        ({"factor": "-1"}, "factor: Ensure this value is greater than or equal to 0."),
        ({"request_price": "101"}, "request_price: A fee is at most 100 USD per request."),
        ({"valid_from": "soon"}, "valid_from: "),
    ],
)
def test_an_impossible_factor_is_refused_with_its_field(client, gpt, fields, sentence):
    page = post(client, "adjust", **{"whose": "provider:codex", "factor": "0.3"} | fields)
    assert sentence in page and Adjustment.objects.count() == 0


def test_a_refused_change_of_a_factor_comes_back_as_a_change(client, gpt):
    adjusting.enter("provider", "codex", factor="0.3")
    kept = Adjustment.objects.get().pk
    page = client.get(f"/prices/adjust/edit/?edit={kept}").text
    fields = dict(re.findall(r'type="hidden" name="(whose|edit)" value="([^"]+)"', page))
    page = post(client, "adjust", **fields, factor="much")
    assert "A number is needed." in page and f'name="remove" value="{kept}"' in page


def test_the_page_says_all_of_it_in_chinese(client, gpt):
    adjusting.enter("provider", "codex", factor="0.3")
    page = client.get("/prices/", headers={"Accept-Language": "zh-CN"}).text
    page += client.get("/prices/edit/?edit=gpt-5", headers={"Accept-Language": "zh-CN"}).text
    for words in ("转售与折扣", "生效中", "分时段费率", "提供商 codex", "为提供商、账号或密钥单独定价"):
        assert words in page


def preview(client, address, **fields):
    reply = client.post(f"/prices/{address}/", fields | {"preview": "1"}, headers={"HX-Request": "true"})
    assert reply.status_code == 200
    return reply.text


def test_a_price_can_be_looked_at_before_it_is_saved(client, gpt):
    before = spent()
    assert preview(client, "set", model="gpt-5", prompt="3", completion="0") == "7 days: $0.0001 → $0.0003"
    assert preview(client, "set", model="gpt-5", prompt="1", completion="0") == "No cost of the past changes."
    assert preview(client, "set", model="never-used", prompt="1", completion="0") == "No cost of the past changes."
    assert "A number is needed." in preview(client, "set", model="gpt-5", prompt="<b>", completion="0")
    assert spent() == before and not Model.objects.filter(name="never-used").exists()


def test_a_factor_can_be_looked_at_before_it_is_saved(client, gpt):
    before = spent()
    assert preview(client, "adjust", whose=KEY, factor="2") == "7 days: $0.0001 → $0.0002"
    assert spent() == before and not Adjustment.objects.exists()


def test_the_effect_is_told_for_each_span_that_changes(client, gpt):
    stored(record(NOON - 10 * DAY), record(NOON - 10 * DAY + 1), record(NOON - 40 * DAY), arrived=NOON)
    assert preview(client, "set", model="gpt-5", prompt="3", completion="0") == (
        "7 days: $0.0001 → $0.0003, 30 days: $0.0003 → $0.0009, all history: $0.0004 → $0.0012"
    )
    old = {"model": "gpt-5", "prompt": "3", "completion": "0", "valid_from": "2026-11-24"}
    assert preview(client, "set", **old) == "7 days: $0.0001 → $0.0003"


def test_without_scripts_a_preview_shows_the_form_as_it_was_filled_in(client, gpt):
    page = post(client, "set", model="gpt-5", whose="provider:codex", prompt="3", completion="0.25", preview="1")
    assert "7 days: $0.0001 → $0.0003" in page and 'value="0.25"' in page
    assert re.search(r'value="provider:codex" selected', page) and "chip on" not in page
    assert "○" in page and "✓" not in page  # nothing is saved
    page = post(client, "adjust", whose=KEY, factor="2.5", note="a note", preview="1")
    assert 'value="2.5"' in page and 'value="a note"' in page
    assert not Adjustment.objects.exists() and PriceSet.objects.get().cards.get().prompt == USD


def test_a_key_that_is_given_as_it_is_comes_back_in_no_address_and_no_button(client, gpt):
    asked = {"model": "gpt-5", "whose": f"api_key:{ALICE}", "completion": "0"}
    for more in ({"prompt": "-1"}, {"prompt": "3", "preview": "1"}, {"prompt": "3"}, {"clear": "1"}):
        reply = client.post("/prices/set/", asked | more)
        page = client.get(reply["Location"].removeprefix("/usage")).text
        kept = re.search(r'name="undo"\s+value="([^"]+)"', page)
        assert ALICE not in reply["Location"] + page + str(signing.loads(kept[1], salt=SALT) if kept else "")
        assert bool(kept) == (len(more) == 1 and more != {"prompt": "-1"})


# --- Undoing ------------------------------------------------------------------------------------------------------


def undone(client, page):
    """What the page says after the button of a message was pressed."""
    kept = re.search(r'name="undo"\s+value="([^"]+)"', page)[1]
    reply = client.post("/undo/", {"undo": kept, "next": "/usage/prices/"})
    return client.get(reply["Location"].removeprefix("/usage")).text


def sets():
    return [(s.valid_from, s.note, [card.listed for card in s.cards.all()]) for s in PriceSet.objects.all()]


def test_a_price_is_put_back_with_its_tiers_dates_and_costs(client, gpt):
    gpt.put_set(
        PriceSet(valid_from=date(2026, 11, 20), note="list"), [RateCard(prompt=2 * USD, completion=0, request=7)]
    )
    cards = [
        RateCard(prompt=USD, completion=1),
        RateCard(tier="flex", prompt=2, completion=1, hours_from=0, hours_to=60),
    ]
    gpt.put_set(gpt.price_sets.get(valid_from=None), [*cards, RateCard(tier="flex", prompt=1, completion=1)])
    before, cost = sets(), spent()
    for fields in ({"prompt": "9", "completion": "9", "valid_from": "2026-11-22"}, {"clear": "1"}):
        page = post(client, "set", model="gpt-5", **fields)
        assert sets() != before
        assert "Undone" in undone(client, page)
        assert (sets(), spent(), Model.objects.get().catalogue_blocked) == (before, cost, False)
        assert "It has been changed since, so nothing is undone." in undone(client, page)


def test_a_price_of_many_cards_and_days_is_put_back_too(client, gpt):
    for day in range(1, 25):
        cards = [RateCard(context_over=n * 1000, prompt=day * 12347 + n * 997, completion=n * 7919) for n in range(20)]
        gpt.put_set(PriceSet(valid_from=date(2026, 11, day)), cards)
    before = sets()
    page = post(client, "set", model="gpt-5", clear="1")
    assert "Undone" in undone(client, page) and sets() == before


def test_a_factor_and_a_fee_are_put_back_with_their_days_and_costs(client, gpt):
    def entered():
        return [(each.valid_from, each.factor, each.request, each.note) for each in Adjustment.objects.all()]

    adjusting.enter("api_key", ALICE, factor="0.25", request=7, note="friend")
    adjusting.enter("api_key", ALICE, date(2026, 11, 22), factor="0.5")
    before, cost = entered(), spent()
    ended = str(Adjustment.objects.get(valid_from=date(2026, 11, 22)).pk)
    for fields in (
        {"remove": ended},
        {"whose": KEY, "factor": "9", "valid_from": "2026-11-23"},
        {"whose": KEY, "end": "1"},
    ):
        page = post(client, "adjust", **fields)
        assert entered() != before and spent() != cost
        assert "Undone" in undone(client, page)
        assert (entered(), spent()) == (before, cost)
        assert "It has been changed since, so nothing is undone." in undone(client, page)


def test_what_was_changed_since_stays(client, gpt):
    page = post(client, "set", model="gpt-5", prompt="3", completion="0")
    assert 'name="undo"' not in post(client, "set", model="gpt-5", prompt="3", completion="0")
    post(client, "set", model="gpt-5", prompt="4", completion="0")
    assert "It has been changed since" in undone(client, page)
    assert PriceSet.objects.get().cards.get().prompt == 4 * USD


def test_the_first_price_of_a_model_is_taken_away_again(client, gpt):
    page = post(client, "set", model="gpt-5", whose=KEY, prompt="3", completion="0")
    page += undone(client, page)
    assert "Undone" in page and spent() == 100 * USD
    assert not PriceSet.objects.filter(scope="api_key").exists()


def test_nothing_is_undone_by_halves(client, gpt, monkeypatch):
    page = post(client, "set", model="gpt-5", prompt="3", completion="0")

    def changed_meanwhile(model, *_):
        model.price_sets.all().delete()
        raise APIException("later")

    monkeypatch.setattr(Model, "put_back", changed_meanwhile)
    before = Revision.current()
    assert "later" in undone(client, page)
    assert (PriceSet.objects.get().cards.get().prompt, Revision.current()) == (3 * USD, before)


def test_what_another_tab_changed_meanwhile_is_not_replaced_unseen(client, gpt):
    stamp = re.search(r'name="stamp" value="(\w+)"', form_of(client, "prices/edit", edit="gpt-5"))[1]
    post(client, "set", model="gpt-5", prompt="3", completion="0", stamp=stamp)
    for fields in ({"prompt": "4", "completion": "0"}, {"clear": "1"}):
        page = post(client, "set", model="gpt-5", stamp=stamp, **fields)
        assert "The price was changed meanwhile" in page and PriceSet.objects.get().cards.get().prompt == 3 * USD
    page = post(client, "set", model="gpt-5", stamp=stamp, prompt="4", completion="0")
    stamp = re.search(r'name="stamp" value="(\w+)"', page)[1]  # of the form as it was filled in
    assert 'value="4"' in page
    post(client, "set", model="gpt-5", stamp=stamp, prompt="4", completion="0")
    assert PriceSet.objects.get().cards.get().prompt == 4 * USD


@pytest.mark.parametrize("kept", ["", "x", "WyJwcmljZSJd:1abc:xyz"])
def test_a_button_that_is_not_ours_or_too_old_undoes_nothing(client, gpt, kept, set_clock):
    assert "This can no longer be undone." in undone(client, f'name="undo" value="{kept or " "}"')


@pytest.mark.django_db(transaction=True)
def test_of_tabs_that_save_at_once_one_alone_does(client):
    Model.objects.create(name="gpt-5").set_price({"prompt": USD, "completion": 0})
    stamp = re.search(r'name="stamp" value="(\w+)"', form_of(client, "prices/edit", edit="gpt-5"))[1]
    led_to = []

    def save(i):
        fields = {"model": "gpt-5", "prompt": 3 + i, "completion": 0, "stamp": stamp}
        led_to.append((Client().post("/prices/set/", fields)["Location"].partition("?")[0], 3 + i))

    at_once(save, 4)
    saved = [prompt for address, prompt in led_to if not address.endswith("edit/")]
    assert [prompt * USD for prompt in saved] == [PriceSet.objects.get().cards.get().prompt]
