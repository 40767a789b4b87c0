"""Accounts, from the kept totals of their source where it is one account, else by series: with the same result."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.usage.made import HOUR, NOON, SECOND, record, stored
from usage.analytics.accounts.accounts import accounts
from usage.analytics.accounts.credentials import credentials, spent_per_quarter
from usage.models import Event
from usage.query.forms import UsageFilterForm

pytestmark = pytest.mark.django_db
ANN, BOB = {"source": "ann@example.com", "auth_index": "a"}, {"source": "bob@example.com", "auth_index": "b"}
QUARTER = HOUR // 4
ALL = {"endpoint": "POST /v1/responses", "provider": "codex"}  # what every record has, and no kept total knows


def filters(**parameters):
    form = UsageFilterForm({"start": "2026-11-24T10:05", "end": "2026-11-24T20:07", **parameters})
    assert form.is_valid(), form.errors
    return form.usage_filter()


def answers(**parameters):
    wanted = filters(**parameters)
    return credentials(wanted), spent_per_quarter(wanted, 0)


@pytest.mark.parametrize("ambiguous", [False, True])
def test_kept_totals_of_sources_and_those_of_series_say_the_same(ambiguous):
    again = {**ANN, "auth_index": "c"} if ambiguous else ANN
    stored(
        *(record(NOON + n * HOUR // 2, **who) for n, who in enumerate((ANN, BOB, again, BOB))),
        *(record(NOON + n * HOUR, failed=True, **who) for n, who in enumerate((ANN, again))),
        record(NOON - 2 * HOUR, **BOB),
    )
    assert answers() == answers(**ALL)
    assert len(accounts(filters()).items) == 2  # however many indexes


def test_a_source_that_is_one_account_is_read_from_its_kept_totals():
    stored(record(NOON, **ANN), record(NOON, **BOB))
    with CaptureQueriesContext(connection) as queries:
        answers()
    assert not [query for query in queries if re.search(r'FROM "usage_(quarter|day)"', query["sql"])]


def last_seen(**parameters):
    return {row.source: row.last_seen for row in credentials(filters(**parameters)).items}


def reads_of_events(queries):
    return [query["sql"] for query in queries if 'FROM "usage_event"' in query["sql"]]


@pytest.mark.parametrize("labels", [{}, {"model": ["gpt-5"]}, ALL])
def test_an_account_was_last_used_in_the_second_of_its_newest_attempt(labels):
    stored(
        record(NOON + 61 * SECOND + 1, **ANN),
        record(NOON + 61 * SECOND, failed=True, **ANN),
        record(NOON + 5 * SECOND, **ANN),
        record(NOON + 20 * HOUR + 899 * SECOND + 999_999, **BOB),  # after the period
        record(NOON, **BOB),
    )
    assert last_seen(**labels) == {"ann@example.com": "2026-11-24T04:01:01Z", "bob@example.com": "2026-11-25T00:14:59Z"}


def test_last_used_counts_what_the_filter_admits():
    stored(record(NOON, **ANN), record(NOON + HOUR, model="gpt-5-mini", alias="gpt-5-mini", **ANN))
    assert last_seen(model=["gpt-5"]) == {"ann@example.com": "2026-11-24T04:00:00Z"}


def test_last_used_reads_only_the_events_of_the_quarters_in_which_accounts_were_last_used():
    whom = [{"source": f"user{n}@example.com", "auth_index": f"{n}"} for n in range(250)]
    stored(*(record(NOON - n * QUARTER, **who) for n, who in enumerate(whom)))
    with CaptureQueriesContext(connection) as queries:
        found = last_seen(start="2026-11-20", end="2026-11-25")
    assert (found["user0@example.com"], found["user4@example.com"]) == ("2026-11-24T04:00:00Z", "2026-11-24T03:00:00Z")
    assert len(reads_of_events(queries)) == 2  # of 200 quarters each


@pytest.mark.sqlite
def test_the_newest_attempts_are_found_in_the_index_by_time():
    plan = Event.objects.of_quarters([0, 900]).newest("series_id").explain()
    assert len(re.findall(r"SEARCH usage_event USING INDEX \w+ \(timestamp>\? AND timestamp<\?\)", plan)) == 2
    assert "SCAN" not in plan
