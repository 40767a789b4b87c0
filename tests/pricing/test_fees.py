"""Monthly fees: what they come to over some days, and how they are entered."""

from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest

from cpa_usage.keys import fingerprint
from pricing.fees import paid
from pricing.models import AccountFee, Revision

ANN = "ann@example.com"
FEES = "/api/v1/fees"
NOV_10 = date(2026, 11, 10)


def fee(usd, valid_from=None):
    return SimpleNamespace(usd_per_month=Decimal(usd), valid_from=valid_from)


@pytest.mark.parametrize(
    ("fees", "first", "after", "usd"),
    [
        ([], (2026, 11, 1), (2026, 12, 1), 0),
        ([fee("20")], (2026, 11, 1), (2026, 12, 1), 20),
        ([fee("20")], (2026, 11, 1), (2026, 11, 2), 20 / 30),
        ([fee("20")], (2026, 10, 31), (2026, 11, 2), 20 / 31 + 20 / 30),
        ([fee("28")], (2028, 2, 29), (2028, 3, 1), 28 / 29),
        ([fee("20")], (2025, 12, 15), (2027, 12, 15), 24 * 20),
        ([fee("20", NOV_10)], (2026, 11, 1), (2026, 12, 1), 20 * 21 / 30),
        ([fee("20", NOV_10)], (2026, 11, 1), (2026, 11, 10), 0),
        ([fee("100", NOV_10), fee("20")], (2026, 11, 1), (2026, 12, 1), 20 * 9 / 30 + 100 * 21 / 30),
        ([fee("20"), fee("0", NOV_10)], (2026, 11, 1), (2026, 12, 1), 20 * 9 / 30),
        ([fee("20")], (2026, 11, 2), (2026, 11, 1), 0),
    ],
)
def test_a_day_costs_its_share_of_its_own_month(fees, first, after, usd):
    assert paid(fees, date(*first), date(*after)) == pytest.approx(usd, abs=1e-12)


def entered():
    return [(fee.account, fee.usd_per_month, fee.valid_from) for fee in AccountFee.objects.all()]


@pytest.mark.django_db
def test_a_fee_without_a_day_changes_the_one_in_force(on_nov_24):
    AccountFee.objects.enter(ANN, Decimal(20))
    AccountFee.objects.enter(ANN, Decimal(100), NOV_10)
    AccountFee.objects.enter(ANN, Decimal(200), date(2026, 12, 1))
    AccountFee.objects.enter(ANN, Decimal(90))
    assert entered() == [(ANN, 20, None), (ANN, 90, NOV_10), (ANN, 200, date(2026, 12, 1))]


@pytest.mark.django_db
def test_fees_are_read_entered_and_taken_away(client):
    def put(**body):
        return client.put(FEES, body, content_type="application/json")

    assert put(account=ANN, usd_per_month=20).json() == {"ok": True}
    assert put(account=ANN, usd_per_month=0.005, valid_from="2026-11-10").status_code == 200
    reply = client.get(FEES)
    assert reply.json()["items"] == [
        {"account": ANN, "usd_per_month": 20.0, "valid_from": None},
        {"account": ANN, "usd_per_month": 0.0, "valid_from": "2026-11-10"},
    ]
    tag = {"If-None-Match": reply["ETag"]}
    assert client.get(FEES, headers=tag).status_code == 304
    assert client.delete(f"{FEES}?account={ANN}&valid_from=2026-11-10").status_code == 200
    assert (client.get(FEES, headers=tag).status_code, entered()) == (200, [(ANN, 20, None)])
    assert client.delete(f"{FEES}?account={ANN}").status_code == 200
    assert client.delete(f"{FEES}?account={ANN}").status_code == 200
    assert entered() == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"usd_per_month": 20}, "account"),
        ({"account": " ", "usd_per_month": 20}, "account"),
        ({"account": ANN}, "usd_per_month"),
        ({"account": ANN, "usd_per_month": "20"}, "usd_per_month"),
        ({"account": ANN, "usd_per_month": True}, "usd_per_month"),
        ({"account": ANN, "usd_per_month": -1}, "usd_per_month"),
        ({"account": ANN, "usd_per_month": 1e300}, "usd_per_month"),
        ({"account": ANN, "usd_per_month": 1_000_000}, "usd_per_month"),
        ({"account": ANN, "usd_per_month": 20, "valid_from": "soon"}, "valid_from"),
        ({"account": ANN, "usd_per_month": 20, "valid_from": "1970-01-01"}, "valid_from"),
    ],
)
def test_what_is_no_fee_is_refused_by_its_field(client, body, field):
    reply = client.put(FEES, body, content_type="application/json")
    assert (reply.status_code, reply.json()["field"], entered()) == (400, field, [])


@pytest.mark.django_db
def test_a_key_is_kept_as_its_fingerprint(client, admin_client):
    key = "sk-upstream-0123456789"
    client.put(FEES, {"account": key, "usd_per_month": 5}, content_type="application/json")
    form = {"account": "AIza-another-one", "usd_per_month": "7", "valid_from": ""}
    assert admin_client.post("/admin/pricing/accountfee/add/", form).status_code == 302
    assert {account for account, *_ in entered()} == {fingerprint(key), fingerprint("AIza-another-one")}
    assert client.delete(f"{FEES}?account={key}").status_code == 200
    assert len(entered()) == 1


@pytest.mark.django_db
def test_the_admin_counts_every_change(admin_client):
    form = {"account": ANN, "usd_per_month": "20", "valid_from": ""}
    admin_client.post("/admin/pricing/accountfee/add/", form)
    again = admin_client.post("/admin/pricing/accountfee/add/", form)
    assert "The account has a fee for always already: change that one." in again.text
    assert (len(entered()), Revision.current()) == (1, 1)
    chosen = {"action": "delete_selected", "_selected_action": [AccountFee.objects.get().pk], "post": "yes"}
    admin_client.post("/admin/pricing/accountfee/", chosen)
    assert (entered(), Revision.current()) == ([], 2)


def test_a_refused_form_does_not_show_the_key_again(admin_client):
    form = {"account": "sk-upstream-0001", "usd_per_month": "-1", "valid_from": ""}
    page = admin_client.post("/admin/pricing/accountfee/add/", form).content.decode()
    assert "A fee is never negative." in page
    assert form["account"] not in page
    assert fingerprint(form["account"]) in page
