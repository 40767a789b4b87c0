"""Amounts in another currency than US dollars, and fees of accounts, on the pages."""

import json
import re
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aliases.models import AccountName
from pricing.models import AccountFee, DisplayCurrency, Model, Revision
from tests.usage.made import DAY, NOON, record, stored
from usage.dashboard.currency import Currency, amount

pytestmark = pytest.mark.django_db
NOV_20, NOV_23, NOV_24 = (date(2026, 11, day) for day in (20, 23, 24))
ANN = "ann@example.com"


@pytest.fixture(autouse=True)
def noon(set_clock):
    """It is noon on 24 November 2026 in Shanghai; an attempt of each of the last two days cost a dollar."""
    set_clock(NOON)
    Model.objects.set_price("gpt-5", {"prompt": 0, "completion": 1000 * 10**6})
    tokens = {"input": 0, "cached": 0, "reasoning": 0, "output": 1000, "total": 1000}
    stored(*(record(NOON - n * DAY, tokens=tokens) for n in (0, 1)), arrived=NOON)


def enter(code, rate, valid_from):
    DisplayCurrency.objects.create(code=code, rate=Decimal(rate), valid_from=valid_from)


def cost(client, query):
    """Value, title and text of the card of the cost."""
    card = client.get(f"/?{query}").text.partition('data-card="cost"')[2]
    return re.search(r'<data class="n" value="([^"]*)" title="([^"]*)">([^<]*)<', card).groups()


def test_without_a_rate_amounts_are_in_us_dollars(client):
    assert cost(client, "range=7d") == ("2.0", "$2", "$2.00")
    enter("EUR", "0.9", date(2026, 11, 25))
    assert cost(client, "range=7d") == ("2.0", "$2", "$2.00")


def test_a_period_has_the_rate_of_its_last_day(client):
    enter("EUR", "0.8", NOV_20)
    enter("EUR", "0.9", NOV_24)
    assert cost(client, "range=7d") == ("1.8", "$2 × 0.9", "€1.80")
    assert cost(client, "range=24h") == ("1.8", "$2 × 0.9", "€1.80")
    assert cost(client, "range=all") == ("1.8", "$2 × 0.9", "€1.80")
    assert cost(client, "start=2026-11-23&end=2026-12-01") == ("1.8", "$2 × 0.9", "€1.80")
    assert cost(client, "start=2026-11-23&end=2026-11-24") == ("0.8", "$1 × 0.8", "€0.8000")
    assert cost(client, "start=2026-11-23&end=2026-11-24T00:01") == ("0.9", "$1 × 0.9", "€0.9000")


def test_an_event_has_the_rate_of_its_own_day(client):
    enter("EUR", "0.8", NOV_23)
    enter("EUR", "0.9", NOV_24)
    text = client.get("/requests/?range=all").text
    assert re.findall(r'<data value="0.[89]" title="([^"]*)">([^<]*)<', text) == [
        ("$1 × 0.9", "€0.9000"),
        ("$1 × 0.8", "€0.8000"),
    ]
    keys = [row["event_key"] for row in client.get("/api/v1/usage/events").json()["items"]]
    page = client.get(f"/requests/{keys[1]}/").text
    assert "€0.8000" in page
    assert "€0.9" not in page
    assert "$1,000.00" in page  # the price of a million tokens


def test_one_currency_at_a_time(client):
    """That of the rate in force today; days before its first rate have that first one."""
    enter("EUR", "0.8", NOV_20)
    enter("CNY", "7.1", NOV_24)
    assert cost(client, "start=2026-11-23&end=2026-11-24") == ("7.1", "$1 × 7.1", "CN¥7.10")
    enter("USD", "1", date(2026, 11, 25))
    assert cost(client, "range=7d")[2] == "CN¥14.20"


def test_charts_tables_and_the_footer_are_in_it_and_the_api_is_not(client):
    enter("CHF", "0.5", NOV_20)
    text = client.get("/?measure=cost").text
    data = json.loads(re.search(r'id="chart-data" type="application/json">(.*?)</script>', text)[1])
    assert (data["sign"], sum(data["layers"][0]["values"])) == ("CHF\xa0", 1.0)
    assert "$1 = 0.5 CHF" in text
    shown = text.partition("<main")[2].partition("<script")[0] + text.partition('class="as-table"')[2]
    assert re.findall(r">[^<]*\$[^<]*<", shown.partition("<footer")[0]) == []
    for path in ("/analysis/", "/accounts/", "/keys/"):
        page = client.get(f"{path}?measure=cost").text.partition("<main")[2].partition("<footer")[0]
        assert "CHF\xa01.00" in page, path
        assert re.findall(r">[^<]*\$[^<]*<", page) == [], path
    assert client.get("/api/v1/usage/overview?range=7d").json()["summary"]["cost"] == 2.0
    assert sum(client.get("/api/v1/usage/timeline?measure=cost").json()["layers"][0]["values"]) == 2.0


def test_tokens_and_requests_are_not_converted(client):
    enter("CHF", "0.5", NOV_20)
    text = client.get("/?measure=requests").text
    data = json.loads(re.search(r'id="chart-data" type="application/json">(.*?)</script>', text)[1])
    assert sum(data["layers"][0]["values"]) == 2


def test_a_page_reads_the_rates_once(client):
    enter("EUR", "0.8", NOV_20)
    with CaptureQueriesContext(connection) as queries:
        client.get("/requests/?range=all")
    assert len([query for query in queries if "pricing_displaycurrency" in query["sql"]]) == 1


def test_a_page_does_not_leave_its_currency_behind(client):
    enter("EUR", "0.8", NOV_20)
    client.get("/")
    assert amount(2.0) == (2.0, "$2.00", "$2")


def test_a_kept_page_is_old_once_a_rate_has_changed(client):
    tag = client.get("/")["ETag"]
    enter("EUR", "0.8", NOV_20)
    assert client.get("/", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    ("code", "dollars", "text"),
    [
        ("EUR", 12.339, "€12.34"),
        ("CNY", 1_240_000, "CN¥1.24M"),
        ("SEK", 0.00001, "<SEK\xa00.0001"),
        ("EUR", 0, "€0"),
        ("EUR", None, "–"),
    ],
)
def test_signs_and_codes(code, dollars, text, monkeypatch):
    currency = Currency(code, ((NOV_20, Decimal(1)),), NOV_24)
    monkeypatch.setattr("usage.dashboard.currency.current", lambda: currency)
    assert amount(dollars).text == text


# --- Forms --------------------------------------------------------------------------------------------------------


def posted(client, path, **fields):
    """The page that follows."""
    return client.get(client.post(path, fields)["Location"].removeprefix("/usage")).text


def test_the_currency_is_entered_on_the_page_of_prices(client):
    page = posted(client, "/prices/currency/", code="eur", rate="0.92")
    assert "The rate of exchange is entered." in page
    assert 'value="EUR"' in page
    posted(client, "/prices/currency/", code="EUR", rate="0.91", valid_from="2026-11-20")
    posted(client, "/prices/currency/", code="EUR", rate="0.93")
    rows = list(DisplayCurrency.objects.values_list("code", "rate", "valid_from"))
    assert rows == [("EUR", Decimal("0.91"), NOV_20), ("EUR", Decimal("0.93"), NOV_24)]
    assert "Amounts are shown in US dollars." in posted(client, "/prices/currency/", clear="1")
    assert not DisplayCurrency.objects.exists()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"code": "EURO", "rate": "1"}, "code: A currency is three capital letters, such as EUR."),
        ({"code": "", "rate": "1"}, "code: "),
        ({"code": "EUR", "rate": "0"}, "rate: A rate of exchange is above zero."),
        ({"code": "EUR", "rate": "-1"}, "rate: A rate of exchange is above zero."),
        ({"code": "EUR", "rate": "much"}, "rate: "),
        ({"code": "EUR", "rate": "NaN"}, "rate: "),
        ({"code": "EUR", "rate": "1", "valid_from": "soon"}, "valid_from: "),
        ({"code": "EUR", "rate": "1", "valid_from": "1999-12-31"}, "valid_from: "),
    ],
)
def test_what_is_no_rate_is_refused_by_its_field(client, fields, sentence):
    assert sentence in posted(client, "/prices/currency/", **fields)
    assert not DisplayCurrency.objects.exists()


def test_a_fee_is_entered_at_its_account(client):
    opened = "?range=today&view=cards&account=a1b2c3d4e5f60718"
    page = posted(client, f"/accounts/fee/{opened}", account=ANN, usd_per_month="60")
    assert "Fee of ann@example.com saved: $60.00 per month." in page
    text = re.sub(r"<[^>]*>", "", page)
    assert text.count("$2.00 paid, $1.00 of list value") == 3  # of all, of the account, and next to the list
    assert "$60.00 per month" in text
    enter("EUR", "0.5", NOV_24)
    text = re.sub(r"<[^>]*>", "", client.get("/accounts/?range=today&account=a1b2c3d4e5f60718").text)
    assert text.count("€1.00 paid, €0.5000 of list value") == 2
    assert "$60.00 per month" in text
    assert "usd_per_month: A fee is never negative." in posted(
        client, "/accounts/fee/", account=ANN, usd_per_month="-1"
    )
    AccountName.objects.rename(ANN, "Ann's plan")
    assert "Fee of Ann&#x27;s plan cleared." in posted(client, "/accounts/fee/", account=ANN, clear="1")
    assert not AccountFee.objects.exists()
    assert "paid" not in client.get("/accounts/?range=today").text.partition("<main")[2]


def test_a_fee_is_put_back(client):
    AccountFee.objects.enter(ANN, 20, NOV_24)
    for fields in ({"usd_per_month": "60"}, {"clear": "1"}):
        page = posted(client, "/accounts/fee/", account=ANN, **fields)
        kept = re.search(r'name="undo"\s+value="([^"]+)"', page)[1]
        for sentence in ("Undone: ann@example.com is as it was before.", "It has been changed since"):
            assert sentence in client.post("/undo/", {"undo": kept, "next": "/usage/accounts/"}, follow=True).text
        assert list(AccountFee.objects.values_list("usd_per_month", "valid_from")) == [(20, NOV_24)]


def test_the_admin_takes_rates(admin_client):
    form = {"code": "EUR", "rate": "0.92", "valid_from": "2026-11-01"}
    before = Revision.current()
    assert admin_client.post("/admin/pricing/displaycurrency/add/", form).status_code == 302
    assert (DisplayCurrency.objects.get().rate, Revision.current()) == (Decimal("0.92"), before + 1)
    wrong = admin_client.post("/admin/pricing/displaycurrency/add/", form | {"code": "eur", "valid_from": "2026-11-02"})
    assert "A currency is three capital letters, such as EUR." in wrong.text
    assert admin_client.get("/admin/pricing/displaycurrency/").status_code == 200
