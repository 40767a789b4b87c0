"""Prices of providers, accounts and keys, hours, factors and fees in the admin: shown with their effect, then saved."""

from datetime import date

import pytest

from cpa_usage.keys import fingerprint
from pricing.models import Adjustment, Model, PriceSet, RateCard, adjusting
from tests.usage.made import DAY, NOON, record, stored
from usage.models import Day

pytestmark = pytest.mark.django_db

MODELS, SETS, ADJUSTMENTS = (f"/admin/pricing/{name}/" for name in ("model", "priceset", "adjustment"))
CONFIRMED = {"_confirmed": "1"}
USD, PICO = 1_000_000, 10**12
ALICE = "sk-client-alice-0001"


@pytest.fixture
def admin(admin_client):
    return admin_client


@pytest.fixture
def gpt():
    """One request of Alice over codex, at $1 a million tokens of input."""
    stored(record(NOON), arrived=NOON + DAY)
    model = Model.objects.get()
    model.set_price({"prompt": USD, "completion": 0})
    return model


def spent():
    return sum(Day.objects.values_list("cost", flat=True))


def price(model, *cards, **more):
    data = {"model": model.pk, "scope": "", "scope_value": "", "valid_from": "", "note": ""}
    data |= {"cards-TOTAL_FORMS": len(cards), "cards-INITIAL_FORMS": 0}
    for i, card in enumerate(cards):
        data |= {f"cards-{i}-{name}": value for name, value in ({"tier": "", "context_over": 0} | card).items()}
    return data | more


def factor(**more):
    return {"scope": "provider", "value": "codex", "valid_from": "", "factor": "0.3", "request": "", "note": ""} | more


# --- Price sets ---------------------------------------------------------------------------------------------------


def test_a_price_of_a_client_key_is_shown_first_and_no_page_repeats_the_key(admin, gpt):
    sent = price(gpt, {"prompt": "3", "completion": "0", "request": "0.5"}, scope="api_key", scope_value=ALICE)
    page = admin.post(SETS + "add/", sent).content.decode()
    assert "$0.500300" in page and fingerprint(ALICE) in page and ALICE not in page
    assert (spent(), PriceSet.objects.count()) == (100 * USD, 1)
    wrong = admin.post(SETS + "add/", sent | {"cards-0-prompt": "-1"}).content.decode()
    assert "A rate is never negative." in wrong and ALICE not in wrong
    assert ALICE not in admin.post(SETS + "add/", sent | {"scope": ""}).content.decode()
    assert admin.post(SETS + "add/", sent | CONFIRMED).status_code == 302
    assert spent() == 300 * USD + PICO // 2
    made = PriceSet.objects.get(scope="api_key")
    assert (made.scope_value, made.cards.get().request) == (fingerprint(ALICE), PICO // 2)
    for path in (SETS, f"{SETS}{made.pk}/change/", f"{MODELS}{gpt.pk}/change/"):
        page = admin.get(path).content.decode()
        assert fingerprint(ALICE) in page and ALICE not in page
    assert "$0.5 a request" in page


def test_hours_are_times_of_the_day_in_utc(admin, gpt):
    night = {"hours_from": "16:30", "hours_to": "00:30", "prompt": "0.5", "completion": "0", "cache_write_1h": "2"}
    sent = price(gpt, {"prompt": "1", "completion": "0"}, night, scope="provider", scope_value="codex")
    assert admin.post(SETS + "add/", sent | CONFIRMED).status_code == 302
    card = RateCard.objects.get(hours_from=990)
    assert (card.hours_to, card.prompt, card.cache_write_1h) == (30, USD // 2, 2 * USD)
    page = admin.get(f"{SETS}{card.price_set_id}/change/").content.decode()
    assert 'value="16:30"' in page and 'value="00:30"' in page and "UTC" in page
    assert "standard 16:30-00:30 UTC: 0.5 in" in admin.get(f"{MODELS}{gpt.pk}/change/").content.decode()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"scope": "provider"}, "Give a provider, an account or a client key together with its kind."),
        ({"scope_value": "codex"}, "Give a provider, an account or a client key together with its kind."),
        ({"scope": "api_key", "scope_value": "sk-c****0001"}, "This is a masked key: give the key or its fingerprint."),
        ({"scope": "seller", "scope_value": "openai"}, "Select a valid choice."),
        ({"cards-0-hours_from": "16:20", "cards-0-hours_to": "17:00"}, "A time is written as 16:30"),
        ({"cards-0-request": "100.01"}, "A fee is at most 100 USD per request."),
        ({}, "The model has a price from this day on already: change that one."),
    ],
)
def test_it_rejects_impossible_prices(admin, gpt, fields, sentence):
    sent = price(gpt, {"prompt": "1", "completion": "0"}) | fields | CONFIRMED
    assert sentence in admin.post(SETS + "add/", sent).content.decode()
    assert PriceSet.objects.count() == 1


def test_a_price_of_a_provider_is_not_the_price_of_today(admin, gpt):
    gpt.clear_price()
    gpt.set_price({"prompt": 9 * USD, "completion": 0}, scope="provider", scope_value="codex")
    page = admin.get(MODELS)
    assert [(m.name, m.is_priced) for m in page.context["cl"].result_list] == [("gpt-5", False)]
    assert "9 in" not in page.content.decode()


# --- Adjustments --------------------------------------------------------------------------------------------------


def test_a_factor_is_shown_with_its_effect_before_it_is_saved(admin, gpt):
    page = admin.post(ADJUSTMENTS + "add/", factor()).content.decode()
    assert "What this does to the costs of provider codex" in page
    assert "$0.000100" in page and "$0.000030" in page and 'name="factor"' in page
    assert (Adjustment.objects.count(), spent()) == (0, 100 * USD)
    assert admin.post(ADJUSTMENTS + "add/", factor(request="0.02") | CONFIRMED).status_code == 302
    assert spent() == 30 * USD + PICO // 50
    page = admin.get(ADJUSTMENTS).content.decode()
    assert "codex" in page and "0.02" in page


def test_a_factor_is_changed_and_deleted_and_stays_with_its_provider(admin, gpt):
    adjusting.enter("provider", "codex", factor="0.3")
    change = f"{ADJUSTMENTS}{Adjustment.objects.get().pk}/change/"
    sent = factor(factor="0.5", value="other")
    assert "$0.000050" in admin.post(change, sent).content.decode()
    assert spent() == 30 * USD
    assert admin.post(change, sent | CONFIRMED).status_code == 302
    assert (spent(), Adjustment.objects.get().value) == (50 * USD, "codex")
    assert admin.post(change.replace("change", "delete"), {"post": "yes"}).status_code == 302
    assert spent() == 100 * USD


def test_several_factors_are_deleted_at_once(admin, gpt):
    for day, value in ((None, "0.3"), (date(2026, 11, 24), "0.4")):
        adjusting.enter("provider", "codex", day, factor=value)
    chosen = list(Adjustment.objects.values_list("pk", flat=True))
    admin.post(ADJUSTMENTS, {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})
    assert (Adjustment.objects.count(), spent()) == (0, 100 * USD)


def test_a_factor_of_a_client_key_never_shows_the_key(admin, gpt):
    sent = factor(scope="api_key", value=ALICE)
    page = admin.post(ADJUSTMENTS + "add/", sent).content.decode()
    assert "$0.000030" in page and ALICE not in page
    admin.post(ADJUSTMENTS + "add/", sent | CONFIRMED)
    assert (Adjustment.objects.get().value, spent()) == (fingerprint(ALICE), 30 * USD)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"value": ""}, "This field is required."),
        ({"scope": "api_key", "value": "sk-c****0001"}, "This is a masked key: give the key or its fingerprint."),
        ({"scope": "account", "value": "sk-d****f3a1"}, "This is a masked key: give the key or its fingerprint."),
        ({"factor": "-1"}, "Ensure this value is greater than or equal to 0."),
        ({"factor": "1000.1"}, "Ensure this value is less than or equal to 1000."),
        ({"request": "101"}, "A fee is at most 100 USD per request."),
        ({"valid_from": "1999-12-31"}, "No price is that old: leave the date empty for always."),
        ({"valid_from": "2026-11-24"}, "It has an adjustment from this day on already: change that one."),
    ],
)
@pytest.mark.parametrize("confirmed", [{}, CONFIRMED])
def test_it_rejects_impossible_factors(admin, gpt, fields, sentence, confirmed):
    adjusting.enter("provider", "codex", date(2026, 11, 24), factor=1)
    assert sentence in admin.post(ADJUSTMENTS + "add/", factor(**fields) | confirmed).content.decode()
    assert Adjustment.objects.count() == 1
