"""Accounts, from the kept totals of their source where it is one account, else by series: with the same result."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.usage.made import HOUR, NOON, record, stored
from usage.analytics.accounts.accounts import accounts
from usage.analytics.accounts.credentials import credentials, spent_per_quarter
from usage.query.forms import UsageFilterForm

pytestmark = pytest.mark.django_db
ANN, BOB = {"source": "ann@example.com", "auth_index": "a"}, {"source": "bob@example.com", "auth_index": "b"}
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
    assert len(accounts(filters()).items) == (3 if ambiguous else 2)


def test_a_source_that_is_one_account_is_read_from_its_kept_totals():
    stored(record(NOON, **ANN), record(NOON, **BOB))
    with CaptureQueriesContext(connection) as queries:
        answers()
    assert not [query for query in queries if re.search(r'FROM "usage_(quarter|day)"', query["sql"])]
