"""What has no known cost is never shown as $0: pages say what is missing from a cost, and of which models."""

from datetime import date

import pytest

from pricing.catalogue.listings import Card, DatedCards, Listing
from pricing.models import Model
from tests.usage.made import record
from tests.usage.traffic import NOW_US, stored_now

pytestmark = pytest.mark.django_db

DOLLAR = 10**6
NOTHING = dict.fromkeys(("input", "output", "reasoning", "cached", "total"), 0)


def text_of(client, path):
    reply = client.get(path)
    assert reply.status_code == 200
    return " ".join(reply.text.split())


def made(at, model, **fields):
    return record(at, model=model, alias=model, **fields)


def card_of(text, slug="cost"):
    return text.split(f'data-card="{slug}"')[1].partition("</a>")[0]


@pytest.fixture
def mixed():
    Model.objects.set_price("gpt-5", {"prompt": DOLLAR, "completion": DOLLAR})
    images = [made(NOW_US - n, "gpt-image-1", provider="openai", tokens=NOTHING) for n in range(3)]
    stored_now(*images, made(NOW_US, "gpt-5"), made(NOW_US, "glm-5", source="bob@example.com"))


def test_a_period_of_images_has_no_cost_and_names_the_model(client):
    Model.objects.set_price("gpt-image-1", {"prompt": DOLLAR, "completion": DOLLAR})
    stored_now(made(NOW_US, "gpt-image-1", tokens=NOTHING))
    text = text_of(client, "/")
    assert "$0" not in card_of(text)
    assert "0% priced" in card_of(text)
    assert "> Priced: 0% of requests, 0 of 1 models · 1 success without any tokens" in text
    assert "<b>1 request of the last 7 days has no known cost.</b> Models: gpt-image-1" in text


def test_the_card_says_how_much_is_priced(client, mixed):
    text = text_of(client, "/")
    assert "20.0% priced" in card_of(text)
    parts = "> Priced: 20.0% of requests, 1 of 3 models, 50.0% of tokens"
    assert f"{parts} · 3 successes without any tokens" in text


def test_the_card_adds_nothing_where_all_is_known(client):
    Model.objects.set_price("gpt-5", {"prompt": DOLLAR, "completion": DOLLAR})
    stored_now(made(NOW_US, "gpt-5"))
    text = text_of(client, "/")
    assert "priced" not in card_of(text)
    assert '<p class="quiet" id="cost-notes" data-swap hidden>' in text


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/?measure=cost", "2 without a price · 150 tokens"),
        ("/analysis/?by=model", "2 without a price · 150 tokens"),
        ("/analysis/?by=source", "1 without a price · 150 tokens"),
    ],
)
def test_lists_by_cost_end_with_what_they_leave_out(client, mixed, path, line):
    text = text_of(client, path)
    assert f'#unpriced" > {line} </a>' in text


def test_a_list_by_tokens_leaves_nothing_out(client, mixed):
    assert "without a price" not in text_of(client, "/?measure=tokens")


def test_the_page_of_prices_lists_what_is_missing_and_why(client, mixed):
    text = text_of(client, "/prices/")
    missing = text.split('id="unpriced"')[1].partition("</section>")[0]
    assert [name for name in ("glm-5", "gpt-image-1", "gpt-5") if f"> {name} </a>" in missing] == [
        "glm-5",
        "gpt-image-1",
    ]
    empty = text.split('id="without-tokens"')[1]
    assert "> gpt-image-1 </a>" in empty and "openai" in empty


def test_the_note_of_a_price_stands_in_its_row(client):
    sets = (DatedCards(None, (Card("", 0, DOLLAR, DOLLAR),), "The cost leaves out web searches."),)
    Model.objects.create(name="gpt-5").follow_catalogue(Listing("openai/gpt-5", sets), "1", date(2026, 11, 24))
    assert "The cost leaves out web searches." in text_of(client, "/prices/")


def test_the_cost_of_writes_of_an_unknown_lifetime_is_a_minimum(client):
    card = Card("", 0, DOLLAR, DOLLAR, cache_write=DOLLAR, cache_write_1h=2 * DOLLAR)
    model = Model.objects.create(name="claude-x")
    model.follow_catalogue(Listing("anthropic/claude-x", (DatedCards(None, (card,)),)), "1", date(2026, 11, 24))
    written = NOTHING | {"cache_creation": 2500, "total": 2500}
    stored_now(made(NOW_US, "claude-x", provider="claude", executor_type="ClaudeExecutor", tokens=written))
    said = "at least: 2,500 tokens were cached for a time that CPA does not tell"
    text = text_of(client, "/")
    assert ("≥ $" in card_of(text), said in text) == (True, True)


def test_a_key_without_a_known_cost_shows_none(client):
    stored_now(made(NOW_US, "glm-5"))
    assert "$0" not in text_of(client, "/keys/")


def test_it_is_said_in_chinese(client, mixed):
    reply = client.get("/", headers={"Accept-Language": "zh-CN"})
    assert "已计价：20.0% 的请求" in reply.text


def test_the_system_page_lists_whose_tokens_are_guessed(client):
    stored_now(record(NOW_US), record(NOW_US - 1, provider="odd", executor_type="OddExecutor"))
    text = text_of(client, "/system/").split("Guessed providers")[1].partition("</dd>")[0]
    assert ("<code>odd</code> OddExecutor" in text, "codex" in text) == (True, False)
