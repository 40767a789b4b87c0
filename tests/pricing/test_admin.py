"""Models & rate cards in the admin: nothing is saved before its effect was seen, and nothing impossible at all."""

import re
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pricing.catalogue.listings import Card, DatedCards, Listing, Offer
from pricing.models import CatalogueEntry, Model, PriceSet, RateCard, Revision
from tests.usage.made import DAY, NOON, record, stored
from usage.models import Day

pytestmark = pytest.mark.django_db

MODELS, SETS = "/admin/pricing/model/", "/admin/pricing/priceset/"
USD = 1_000_000
NOV_24 = date(2026, 11, 24)


@pytest.fixture
def admin(admin_client):
    return admin_client


@pytest.fixture
def gpt():
    stored(*(record(NOON + n * DAY) for n in (-30, 0)), arrived=NOON + DAY)
    return Model.objects.get()


def form(model=None, valid_from="", *cards, **more):
    """A posted set of (tier, step, prompt, completion) cards."""
    data = {"valid_from": valid_from, "note": "", "cards-TOTAL_FORMS": len(cards), "cards-INITIAL_FORMS": 0}
    data |= {"model": model.pk} if model else {}
    for i, card in enumerate(cards):
        data |= {f"cards-{i}-{name}": value for name, value in zip(NAMES, card, strict=False)}
    return data | more


NAMES = ["tier", "context_over", "prompt", "completion", "cache_read", "cache_write", "reasoning"]
CONFIRMED = {"_confirmed": "1"}
SELLERS = [(1, "groq"), (2, "novita")]


def listed(model, *rates):
    """What the catalogue says of a model: one set for always."""
    card = Card("", 0, *rates)
    model.follow_catalogue(Listing("openai/gpt-5", (DatedCards(None, (card,)),)), "1", NOV_24)


def spent():
    return sum(Day.objects.values_list("cost", flat=True))


# --- Sets ---------------------------------------------------------------------------------------------------------


def test_a_set_is_shown_with_its_effect_before_it_is_saved(admin, gpt):
    page = admin.post(SETS + "add/", form(gpt, "", ("", 0, "1.25", "10"))).content.decode()
    assert "What this does to the costs of gpt-5" in page
    for text in (
        "2026-10",
        "2026-11",
        "$0.00",
        "$0.000625",
        "+$0.000625",
        "Total",
        "$0.001250",
        'name="cards-0-prompt"',
    ):
        assert text in page
    assert (PriceSet.objects.count(), Revision.current(), spent()) == (0, 0, 0)


def test_a_confirmed_set_is_saved_and_costs_history(admin, gpt):
    sent = form(gpt, "2026-11-24", ("", 0, "1.25", "10", "0.125"), ("flex", 200_000, "1", "2"), ("flex", 0, "3", "4"))
    reply = admin.post(SETS + "add/", sent | CONFIRMED)
    assert reply.status_code == 302
    price_set = PriceSet.objects.get()
    assert (str(price_set), price_set.dated_cards.cards) == (
        "gpt-5 from 2026-11-24 (manual)",
        (
            Card("", 0, 1_250_000, 10 * USD, 125_000),
            Card("flex", 0, 3 * USD, 4 * USD),
            Card("flex", 200_000, USD, 2 * USD),
        ),
    )
    assert (Revision.current(), spent()) == (1, 60 * 1_250_000 + 40 * 125_000 + 50 * 10 * USD)


def test_a_stored_set_is_shown_in_usd_and_changed_as_a_whole(admin, gpt):
    gpt.set_price({"prompt": 1_250_000, "completion": 10 * USD, "cache_read": 0})
    price_set = PriceSet.objects.get()
    page = admin.get(f"{SETS}{price_set.pk}/change/").content.decode()
    for value in ('value="1.25"', 'value="10"', 'value="0"'):
        assert value in page
    card = price_set.cards.get()
    sent = form(None, "", ("", 0, "2", "10", ""), ("batch", 0, "1", "5"))
    sent |= {"cards-INITIAL_FORMS": 1, "cards-0-id": card.pk, "cards-0-price_set": price_set.pk}
    change = f"{SETS}{price_set.pk}/change/"
    assert "What this does" in admin.post(change, sent).content.decode()
    assert RateCard.objects.get() == card
    assert admin.post(change, sent | CONFIRMED).status_code == 302
    assert PriceSet.objects.get().dated_cards.cards == (Card("", 0, 2 * USD, 10 * USD), Card("batch", 0, USD, 5 * USD))
    ids = dict(price_set.cards.values_list("tier", "pk"))
    deleted = sent | {"cards-INITIAL_FORMS": 2, "cards-0-id": ids[""], "cards-1-id": ids["batch"]}
    deleted |= {"cards-1-price_set": price_set.pk, "cards-1-DELETE": "on", **CONFIRMED}
    assert admin.post(change, deleted).status_code == 302
    assert PriceSet.objects.get().dated_cards.cards == (Card("", 0, 2 * USD, 10 * USD),)


@pytest.mark.parametrize(
    ("cards", "sentence"),
    [
        ([("", 0, "-1", "1")], "A rate is never negative."),
        ([("", 0, "10000.000001", "1")], "A rate is at most 10,000 USD per million tokens."),
        ([("", 0, "Infinity", "1")], "Enter a number."),
        ([("", 0, "NaN", "1")], "Enter a number."),
        ([("", 0, "1.0000001", "1")], "Ensure that there are no more than 6 decimal places."),
        ([("", 0, "much", "1")], "Enter a number."),
        ([("", 0, "", "1")], "This field is required."),
        ([("", 0, "1", "1", "-0.1")], "A rate is never negative."),
        ([("", -1, "1", "1")], "Ensure this value is greater than or equal to 0."),
        ([("turbo", 0, "1", "1")], "Select a valid choice. turbo is not one of the available choices."),
        ([("", 0, "1", "1"), ("", 0, "2", "2")], "Two cards have the same tier and context size"),
        ([("flex", 0, "1", "1")], "The standard tier needs a card over 0 tokens."),
        ([("", 0, "1", "1"), ("flex", 9, "1", "1")], "The flex tier needs a card over 0 tokens."),
    ],
)
@pytest.mark.parametrize("confirmed", [{}, CONFIRMED])
def test_it_rejects_impossible_cards_and_names_the_field(admin, gpt, cards, sentence, confirmed):
    page = admin.post(SETS + "add/", form(gpt, "", *cards) | confirmed).content.decode()
    assert sentence in page
    assert (PriceSet.objects.count(), Revision.current()) == (0, 0)


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        ("", "The model has a price from this day on already: change that one."),
        ("1999-12-31", "No price is that old: leave the date empty for always."),
        ("2300-01-01", "That date is too far away."),
        ("soon", "Enter a valid date."),
    ],
)
def test_it_rejects_a_second_set_of_a_day_and_absurd_days(admin, gpt, day, sentence):
    gpt.set_price({"prompt": 1, "completion": 1})
    page = admin.post(SETS + "add/", form(gpt, day, ("", 0, "1", "1")) | CONFIRMED).content.decode()
    assert sentence in page
    assert PriceSet.objects.count() == 1


def test_the_catalogues_rates_are_shown_in_usd(admin, gpt):
    listed(gpt, 1_250_000, 10 * USD, 125_000)
    page = admin.get(f"{SETS}{PriceSet.objects.get().pk}/change/").content.decode()
    cards = page.partition('id="cards-group"')[2]
    assert [text for text in ("1250000", "1,250,000", "125000", "10000000") if text in cards] == []
    assert [re.search(rf">\s*{rate}\s*<", cards) is not None for rate in ("1.25", "10", "0.125", "-")] == [True] * 4


def test_the_catalogues_sets_are_to_look_at(admin, gpt):
    listed(gpt, USD, 2 * USD)
    price_set = PriceSet.objects.get()
    page = admin.get(f"{SETS}{price_set.pk}/change/")
    assert page.status_code == 200 and "openai/gpt-5" in admin.get(SETS).content.decode()
    assert admin.post(f"{SETS}{price_set.pk}/change/", form(None, "", ("", 0, "9", "9")) | CONFIRMED).status_code == 403
    assert admin.post(f"{SETS}{price_set.pk}/delete/", {"post": "yes"}).status_code == 403
    admin.post(SETS, {"action": "delete_selected", "_selected_action": [price_set.pk], "post": "yes"})
    assert PriceSet.objects.get().dated_cards.cards == (Card("", 0, USD, 2 * USD),)


def test_deleting_a_manual_set_costs_its_days_anew(admin, gpt):
    gpt.set_price({"prompt": USD, "completion": 0})
    assert admin.post(f"{SETS}{PriceSet.objects.get().pk}/delete/", {"post": "yes"}).status_code == 302
    assert (PriceSet.objects.count(), spent(), Revision.current()) == (0, 0, 2)


def test_deleting_several_manual_sets_costs_their_days_anew(admin, gpt):
    gpt.set_price({"prompt": USD, "completion": 0})
    gpt.set_price({"prompt": 2 * USD, "completion": 0}, NOV_24)
    chosen = list(PriceSet.objects.values_list("pk", flat=True))
    admin.post(SETS, {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})
    assert (PriceSet.objects.count(), spent()) == (0, 0)


# --- Many models at once ------------------------------------------------------------------------------------------


def act(admin, action, *models, **more):
    return admin.post(
        MODELS, {"action": action, "_selected_action": [model.pk for model in models]} | more, follow=True
    )


def test_taking_the_catalogues_price_is_shown_first(admin, gpt):
    listed(gpt, USD, 0)
    gpt.set_price({"prompt": 9 * USD, "completion": 0})
    unknown = Model.objects.create(name="acme-1")
    page = act(admin, "take_from_catalogue", gpt, unknown).content.decode()
    for text in ("Take the catalogue&#x27;s price: gpt-5", "$0.000900", "$0.000100", "−$0.000800", "price for acme-1"):
        assert text in page
    assert spent() == 1800 * USD
    page = act(admin, "take_from_catalogue", gpt, unknown, **CONFIRMED).content.decode()
    assert "done for gpt-5" in page
    assert (spent(), PriceSet.objects.get().origin) == (200 * USD, "catalogue")


def test_clearing_is_shown_first_and_leaves_the_models_unpriced(admin, gpt):
    listed(gpt, USD, 0)
    assert "$0.000100" in act(admin, "clear", gpt).content.decode()
    assert spent() == 200 * USD
    act(admin, "clear", gpt, **CONFIRMED)
    gpt.refresh_from_db()
    assert (spent(), gpt.catalogue_blocked) == (0, True)


def test_rates_are_copied_from_a_model_that_has_some(admin, gpt):
    source = Model.objects.create(name="like-this")
    source.put_set(PriceSet(), [RateCard(prompt=USD, completion=0), RateCard(tier="flex", prompt=5, completion=0)])
    page = act(admin, "copy_rates", gpt).content.decode()
    assert "like-this" in page and ">gpt-5<" not in page
    page = act(admin, "copy_rates", gpt, source=source.pk).content.decode()
    assert "Copy the rates of like-this: gpt-5" in page and "$0.000100" in page
    assert spent() == 0
    act(admin, "copy_rates", gpt, source=source.pk, **CONFIRMED)
    assert spent() == 200 * USD
    assert gpt.price_sets.get().dated_cards.cards == source.price_sets.get().dated_cards.cards


def test_rates_of_nobody_cannot_be_copied(admin, gpt):
    assert "Copy rates" in act(admin, "copy_rates", gpt, source=gpt.pk, **CONFIRMED).content.decode()
    assert PriceSet.objects.count() == 0


def test_nothing_to_take_is_said(admin, gpt):
    page = act(admin, "take_from_catalogue", gpt).content.decode()
    assert "The catalogue has no price for gpt-5: it stays as it is." in page


# --- Lists and pages ----------------------------------------------------------------------------------------------


def test_the_unpriced_come_first_then_the_busiest(admin, gpt):
    stored(*(record(NOON + n, model=name) for n, name in enumerate(["busy", "busy", "quiet"], 1)), arrived=NOON)
    Model.objects.get(name="busy").set_price({"prompt": USD, "completion": 0})
    listed(Model.objects.get(name="quiet"), USD, 2 * USD)
    found = [row.name for row in admin.get(MODELS).context["cl"].result_list]
    assert found == ["gpt-5", "busy", "quiet"]
    page = admin.get(MODELS).content.decode()
    for text in ("unpriced", "manual", "catalogue", "2026-11-24", "1 in, 2 out", "openai/gpt-5", "not asked yet"):
        assert text in page
    assert [m.name for m in admin.get(MODELS, {"priced": "no"}).context["cl"].result_list] == ["gpt-5"]
    assert [m.name for m in admin.get(MODELS, {"q": "us"}).context["cl"].result_list] == ["busy"]


def test_corrections_are_offered_with_their_effect(admin, gpt):
    listed(gpt, USD, 0)
    assert "no cost of the past" in admin.get(f"{MODELS}{gpt.pk}/change/").content.decode()
    listed(gpt, 2 * USD, 0)
    assert [m.name for m in admin.get(MODELS, {"offered": "yes"}).context["cl"].result_list] == ["gpt-5"]
    page = admin.get(f"{MODELS}{gpt.pk}/change/").content.decode()
    assert "Corrected figures are offered." in page
    assert "past costs from $0.000300 to $0.000400" in page
    assert CatalogueEntry.objects.get().corrects


def test_a_candidate_is_chosen_after_its_effect_was_seen_and_can_be_forgotten(admin, gpt):
    offers = tuple(Offer(id, f"{id}/gpt-5", (DatedCards(None, (Card("", 0, n * USD, 0),)),)) for n, id in SELLERS)
    gpt.follow_catalogue(Listing(reason="Ambiguous.", candidates=offers), "1", NOV_24)
    model, choose = f"{MODELS}{gpt.pk}/change/", f"{MODELS}{gpt.pk}/choose/"
    page = admin.get(model).content.decode()
    assert [f'choose/?entry={id}%2Fgpt-5">{id}/gpt-5</a>' in page for _, id in SELLERS] == [True, True]
    shown = admin.get(f"{choose}?entry=novita/gpt-5").content.decode()
    assert "Price gpt-5 as novita/gpt-5" in shown
    assert (spent(), "$0.000400" in shown) == (0, True)
    assert admin.post(f"{choose}?entry=novita/gpt-5", CONFIRMED).status_code == 302
    assert spent() == 2 * 100 * 2 * USD
    assert "Forget the choice of novita/gpt-5" in admin.get(model).content.decode()
    assert admin.post(choose, CONFIRMED).status_code == 302
    assert (spent(), CatalogueEntry.objects.get().chosen) == (0, "")


def test_what_is_no_candidate_is_not_chosen(admin, gpt):
    listed(gpt, USD, 0)
    page = admin.post(f"{MODELS}{gpt.pk}/choose/?entry=novita/gpt-5", CONFIRMED, follow=True).content.decode()
    assert "The catalogue names no such candidate with a price." in page


def test_a_models_page_shows_every_card_and_leads_to_the_dashboard(admin, gpt):
    listed(gpt, USD, 2 * USD, 500_000)
    gpt.set_price({"prompt": 3 * USD, "completion": 4 * USD}, NOV_24)
    page = admin.get(f"{MODELS}{gpt.pk}/change/").content.decode()
    for text in ("1 in, 2 out, cache read 0.5", "3 in, 4 out", "in force", "overridden", "openai/gpt-5"):
        assert text in page
    assert "/usage/?range=30d&amp;model=gpt-5" in page


def test_a_models_page_leads_to_a_new_price(admin, gpt):
    reply = admin.get(f"{MODELS}{gpt.pk}/set-price/")
    assert reply["Location"] == f"/usage/admin/pricing/priceset/add/?model={gpt.pk}"
    assert "selected>gpt-5</option>" in admin.get(f"{SETS}add/?model={gpt.pk}").content.decode()


def test_a_model_can_be_named_before_it_is_met_and_is_never_deleted(admin, gpt):
    sets = {"price_sets-TOTAL_FORMS": 0, "price_sets-INITIAL_FORMS": 0}
    assert admin.post(MODELS + "add/", {"name": "soon", **sets}).status_code == 302
    assert admin.post(f"{MODELS}{gpt.pk}/change/", {"name": "other", **sets}).status_code == 302
    assert admin.post(f"{MODELS}{gpt.pk}/delete/", {"post": "yes"}).status_code == 403
    assert set(Model.objects.values_list("name", flat=True)) == {"gpt-5", "soon"}


@pytest.mark.parametrize("path", [MODELS, SETS, MODELS + "{}/change/"])
def test_a_page_takes_as_many_queries_for_a_hundred_rows_as_for_ten(admin, gpt, path):
    counts = []
    for start, end in ((0, 10), (10, 100)):
        made = Model.objects.bulk_create(Model(name=f"m{i}") for i in range(start, end))
        PriceSet.objects.bulk_create(PriceSet(model=model) for model in made)
        PriceSet.objects.bulk_create(PriceSet(model=gpt, valid_from=date(2026, 1, 1 + i % 28)) for i in (start // 10,))
        RateCard.objects.bulk_create(
            RateCard(price_set=s, prompt=1, completion=1) for s in PriceSet.objects.filter(cards=None)
        )
        with CaptureQueriesContext(connection) as queries:
            assert admin.get(path.format(gpt.pk)).status_code == 200
        counts.append(len(queries))
    assert counts[1] <= counts[0] <= 15  # the first one also learns the content types


def test_strangers_are_sent_to_sign_in(client, gpt):
    for path in (MODELS, SETS, SETS + "add/"):
        assert client.post(path, form(gpt, "", ("", 0, "1", "1")) | CONFIRMED).status_code == 302
    assert PriceSet.objects.count() == 0
