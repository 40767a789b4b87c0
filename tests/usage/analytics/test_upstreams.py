"""Accounts, by the totals of their source where that tells, else by series: the same figures either way."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.usage.made import HOUR, NOON, record, stored
from usage.analytics import questions as analytics
from usage.analytics.upstreams import last_seen, per_account, per_quarter
from usage.query.filters import UsageFilterForm
from usage.query.reader import Reader

pytestmark = pytest.mark.django_db
ANN, BOB = {"source": "ann@example.com", "auth_index": "a"}, {"source": "bob@example.com", "auth_index": "b"}
ALL = {"endpoint": "POST /v1/responses"}  # what every record has, and no cut knows


def reader(**parameters):
    form = UsageFilterForm({"start": "2026-11-24T10:05", "end": "2026-11-24T20:07", **parameters})
    assert form.is_valid(), form.errors
    return Reader.of(form.usage_filter())


def answers(**parameters):
    read = reader(**parameters)
    return per_account(read), last_seen(read), per_quarter(read, 0)


@pytest.mark.parametrize("result", ["", "failed", "success"])
@pytest.mark.parametrize("ambiguous", [False, True])
def test_totals_of_sources_and_of_series_say_the_same(result, ambiguous):
    again = {**ANN, "auth_index": "c"} if ambiguous else ANN
    stored(
        *(record(NOON + n * HOUR // 2, **who) for n, who in enumerate((ANN, BOB, again, BOB))),
        *(record(NOON + n * HOUR, failed=True, **who) for n, who in enumerate((ANN, again))),
        record(NOON - 2 * HOUR, **BOB),
    )
    assert answers(result=result) == answers(result=result, **ALL)
    assert len(analytics.credentials(reader().asked).items) == (3 if ambiguous else 2)


def test_a_source_is_read_from_its_own_totals():
    stored(record(NOON, **ANN), record(NOON, **BOB))
    with CaptureQueriesContext(connection) as queries:
        answers()
    assert not [query for query in queries if re.search(r'FROM "usage_(quarter|day|month)"', query["sql"])]
