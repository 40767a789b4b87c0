"""One account however many indexes it has, those that are not used, what is searched and sorted, and names."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from aliases.models import AccountName
from catalog.models import AuthFile, Provider
from pricing.models import AccountFee
from tests.usage.made import HOUR, NOON, SECOND, record, stored
from usage.analytics.accounts.accounts import accounts
from usage.analytics.accounts.detail import account
from usage.analytics.reports.worth import worth
from usage.query.filters import UsageFilter
from usage.query.forms import UsageFilterForm
from usage.time.periods import Period

pytestmark = pytest.mark.django_db
ANN, MOVED = {"source": "ann@example.com", "auth_index": "a"}, {"source": "ann@example.com", "auth_index": "m"}
CLAUDE = {"source": "ann@example.com", "auth_index": "c", "provider": "claude"}
BOB = {"source": "bob@example.com", "auth_index": "b"}


@pytest.fixture(autouse=True)
def noon(set_clock):
    """It is noon on 24 November 2026 in Shanghai."""
    set_clock(NOON)


def listed(auth_index, email="ann@example.com", plan="", provider="codex", **fields):
    named = {"name": f"{auth_index}.json", "email": email, "provider": provider, "plan": plan}
    return AuthFile.objects.create(auth_index=auth_index, **named, **fields)


def found(sort="-requests", q="", **parameters):
    form = UsageFilterForm({"range": "7d", **parameters})
    assert form.is_valid(), form.errors
    return accounts(form.usage_filter(), q=q, sort=sort)


def rows(**options):
    return [(one.called, one.provider, one.auth_indexes, one.about.total) for one in found(**options).items]


def said(used, resets, name="Primary", minutes=300):
    start = f"X-Codex-{name}"
    told = {"Used-Percent": used, "Window-Minutes": minutes, "Reset-At": resets // SECOND}
    return {f"{start}-{end}": [str(value)] for end, value in told.items()}


def test_an_account_is_one_row_however_many_indexes_it_has():
    stored(record(NOON - HOUR, **ANN), record(NOON - 1, **ANN), record(NOON - 2, **MOVED), record(NOON, **CLAUDE))
    assert rows() == [
        ("ann@example.com", "codex", ["a", "m"], 3),
        ("ann@example.com", "claude", ["c"], 1),
    ]


def test_the_index_that_is_listed_comes_first_and_gives_the_state():
    stored(record(NOON - HOUR, **ANN), record(NOON - 1, **ANN), record(NOON, **MOVED))
    listed("a", absent_since=timezone.now())
    listed("m", plan="plus")
    assert rows() == [("ann@example.com", "codex", ["m", "a"], 3)]
    (one,) = found().items
    assert (one.about.status, one.plan, one.id) == ("active", "plus", "m")


def test_two_plans_that_are_listed_are_two_accounts():
    stored(record(NOON - 1, **ANN), record(NOON, **MOVED), record(NOON - 3, **MOVED))
    for index, plan in (("a", "plus"), ("m", "team")):
        listed(index, plan=plan)
    assert [(one.plan, one.about.total) for one in found().items] == [("team", 2), ("plus", 1)]


def test_accounts_that_were_not_used_are_listed_without_a_filter():
    stored(record(NOON, **BOB), record(NOON - 9 * 24 * HOUR, **ANN))
    for index, email in (("a", "ann@example.com"), ("e", "eve@example.com")):
        listed(index, email)
    listed("g", "gone@example.com", absent_since=timezone.now())
    Provider.objects.create(auth_index="k", provider_type="gemini", key_mask="AIza****0pQr", key_fingerprint="f" * 64)
    seen = [(one.called, one.about.total, one.about.last_seen) for one in found().items]
    assert seen[0] == ("bob@example.com", 1, "2026-11-24T04:00:00Z")
    assert sorted(seen[1:]) == [
        ("ann@example.com", 0, "2026-11-15T04:00:00Z"),
        ("eve@example.com", 0, None),
        ("gemini AIza****0pQr", 0, None),
    ]
    assert rows(model=["gpt-5"]) == [("bob@example.com", "codex", ["b"], 1)]


def test_a_text_is_looked_for_in_names_addresses_providers_and_indexes():
    stored(record(NOON, **ANN), record(NOON, **BOB), record(NOON, **CLAUDE))
    AccountName.objects.rename("bob@example.com", "Team Blue")
    for text, called in {
        "BLUE": ["Team Blue"],
        "bob@": ["Team Blue"],
        "claude": ["ann@example.com"],
        "ann": ["ann@example.com", "ann@example.com"],
        "nobody": [],
    }.items():
        assert [row[0] for row in rows(q=text)] == called, text


def test_accounts_are_sorted():
    stored(
        *(record(NOON - n, **BOB) for n in range(3)),
        record(NOON - HOUR, failed=True, response_headers=said(80, NOON + HOUR), **ANN),
    )
    ann, bob = "ann@example.com", "bob@example.com"
    for sort, first in {
        "-requests": bob,
        "requests": ann,
        "name": ann,
        "-name": bob,
        "-failed": ann,
        "-cost": bob,
        "-last_used": bob,
        "-limit": ann,
        "-5h": ann,
        "5h": bob,
        "-7d": bob,
    }.items():
        assert found(sort=sort).items[0].called == first, sort


@pytest.mark.parametrize("key", ["bob@example.com", "b"])
def test_a_name_is_found_by_source_or_index(key):
    stored(record(NOON, **BOB))
    AccountName.objects.rename(key, " Blue ")
    (one,) = found().items
    assert (one.name, one.called, one.named_as) == ("Blue", "Blue", key)


def test_accounts_that_share_a_source_are_named_by_their_index():
    stored(record(NOON, **ANN), record(NOON - 1, **ANN), record(NOON, **CLAUDE))
    assert [one.named_as for one in found().items] == ["a", "c"]


def test_of_two_indexes_the_window_heard_of_last_counts():
    stored(
        record(NOON - HOUR, response_headers=said(90, NOON + HOUR), **ANN),
        record(NOON - SECOND, response_headers=said(10, NOON + 2 * HOUR), **MOVED),
    )
    (one,) = found().items
    assert [quota.window.used for quota in one.quotas] == [0.1]


def test_what_runs_out_next_is_told_by_the_pace_of_its_window():
    """Five hours that began three hours ago, 75 % used: an hour is left; a week, half over, 40 % used: never."""
    week = said(40, NOON + 84 * HOUR, "Secondary", 10080)
    stored(
        record(NOON - HOUR, response_headers=said(75, NOON + 2 * HOUR) | week, **ANN),
        record(NOON - HOUR, response_headers=said(100, NOON + HOUR), **BOB),
        record(NOON - 6 * HOUR, response_headers=said(99, NOON - HOUR), **CLAUDE),
    )
    answer = found()
    assert (answer.next_out.called, answer.next_out.quota.window.name) == ("ann@example.com", "5h")
    assert answer.next_out.quota.runs_out_at == "2026-11-24T05:00:00Z"
    assert [(each.called, each.quota.resets_at) for each in answer.used_up] == [
        ("bob@example.com", "2026-11-24T05:00:00Z")
    ]
    assert answer.fullest.quota.window.used == 0.75
    later = [quota.runs_out_at for one in answer.items for quota in one.quotas if quota.window.name == "7d"]
    assert later == [None]


def test_nothing_is_guessed_where_nothing_is_told():
    stored(record(NOON, **ANN))
    answer = found()
    assert (answer.next_out, answer.fullest, answer.used_up) == (None, None, [])


def test_more_accounts_and_windows_need_no_more_queries():
    def asked():
        with CaptureQueriesContext(connection) as queries:
            assert found().items
        return len(queries)

    def use(numbers):
        stored(
            *(
                record(
                    NOON - n * SECOND,
                    source=f"user{n}@example.com",
                    auth_index=f"{n}",
                    response_headers=said(50, NOON + HOUR + n * SECOND)
                    | said(20, NOON + 20 * HOUR + n, "Secondary", 10080),
                )
                for n in numbers
            )
        )

    use(range(1, 4))
    few = asked()
    use(range(10, 60))
    assert asked() == few


def test_no_account_that_was_used_counts_as_unused_however_many_there_are():
    many = [{"source": f"{number}@example.com", "auth_index": f"i{number}"} for number in range(502)]
    stored(*(record(NOON - number, **each) for number, each in enumerate(many)))
    stored(record(NOON, **ANN), record(NOON + 1, **ANN))
    for each in many:
        listed(each["auth_index"], each["source"])
    AccountFee.objects.enter("501@example.com", 20)
    everyone = accounts(UsageFilter(Period(None, None)), limit=1000)
    assert [one.about.total for one in everyone.items] == [2] + [1] * 502
    assert account(UsageFilter(Period(None, None)), "i501").account.about.total == 1
    few = accounts(UsageFilter(Period(None, None)), limit=10)  # a fee of one that is not among them counts as well
    assert few.fee_usd == everyone.fee_usd == worth(UsageFilter(Period(None, None))).fee > 0
