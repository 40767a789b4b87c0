"""Why attempts failed: by status and message, also where a failure has neither."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.usage.made import NOON, record, stored
from usage.analytics.events.paging import event_page
from usage.analytics.exports.tables import events_table
from usage.analytics.failures import failures
from usage.analytics.overview import overview
from usage.models import Event
from usage.query.forms import UsageFilterForm

pytestmark = pytest.mark.django_db
BY_INDEX = "USING INDEX event_failed"
WITH_A_BODY, WITH_A_STATUS, WITHOUT_WORDS = {"body": "busy"}, {"status_code": 429}, {}


def asked(**parameters):
    form = UsageFilterForm({"start": "2026-11-24", "end": "2026-11-25", **parameters})
    assert form.is_valid(), form.errors
    return form.usage_filter()


def failed(*fails):
    stored(record(NOON - 1), *(record(NOON + n, failed=True, fail=fail) for n, fail in enumerate(fails)))


def reasons(**parameters):
    return {(row.status, row.message): row.count for row in failures(asked(**parameters)).reasons}


def statements(question):
    """The statements about events that a question runs."""
    with CaptureQueriesContext(connection) as queries:
        question()
    return [query["sql"] for query in queries if 'FROM "usage_event"' in query["sql"]]


def test_failures_are_grouped_by_status_and_message():
    failed(WITH_A_BODY, WITH_A_STATUS, WITH_A_STATUS)
    assert reasons() == {(0, "busy"): 1, (429, ""): 2}


if connection.vendor == "sqlite":

    @pytest.mark.parametrize("period", [(None, None), (0, None), (0, NOON)])
    @pytest.mark.parametrize("more", [{}, {"model": ["gpt-5"]}])
    def test_failures_with_a_message_are_read_from_the_index_of_failures(period, more):
        found = Event.objects.between(*period).matching(asked(message="busy", **more))
        assert BY_INDEX in found.explain()
        assert BY_INDEX in found.newest_first().explain()
        assert "TEMP B-TREE FOR ORDER BY" not in found.newest_first().explain()


def test_a_failure_that_says_nothing_is_one_all_the_same():
    failed(WITH_A_BODY, WITHOUT_WORDS, WITHOUT_WORDS)
    assert reasons() == {(0, "busy"): 1, (0, ""): 2}
    assert reasons(status="0") == {(0, "busy"): 1, (0, ""): 2}
    assert reasons(message="(none)") == {(0, ""): 2}
    assert event_page(asked(status="0", message="(none)"), 1, 20).total == 2


def test_a_request_that_failed_without_a_word_is_found_beside_one_that_said_something():
    """As many failures as there are words in all; not in this request."""
    silent, spoken = ({"failed": True, "request_id": id * 8} for id in "ab")
    stored(record(NOON, **silent, fail=WITHOUT_WORDS), record(NOON + 1, **spoken, fail=WITH_A_BODY))
    assert event_page(asked(message="(none)", request_id="aaaaaaaa"), 1, 20).total == 1
    assert overview(asked(message="(none)", request_id="aaaaaaaa")).summary.total == 1


def test_blanks_are_no_words_however_many():
    failed({"body": " \n"}, {"body": " " * 200}, {"body": " " * 160 + "busy"}, WITH_A_STATUS)
    assert reasons() == {(0, ""): 2, (0, " " * 160): 1, (429, ""): 1}


@pytest.mark.parametrize("parameters", [{}, {"message": "busy"}])
def test_an_export_counts_nothing(monkeypatch, parameters):
    monkeypatch.setattr("usage.analytics.exports.tables.PAGE", 2)
    failed(*[WITH_A_BODY] * 7)
    found = statements(lambda: list(events_table(asked(**parameters)).rows(["event_key"])))
    assert len(found) > 4
    # Besides a page only the events at one instant are counted.
    assert [sql for sql in found if "COUNT(" in sql and '"timestamp" >= ' in sql] == []


def test_a_reason_says_whose_failures_they_are_and_what_the_body_says():
    body = '{"error": {"message": "Slow down"}}'
    names = [("ann", "gpt-5"), ("ann", "gpt-5"), ("bob", "gpt-5"), *((f"c{n}", f"m{n}") for n in range(6))]
    busy = {"status_code": 429, "body": body}
    stored(
        *(record(NOON + n, failed=True, fail=busy, source=name, model=model) for n, (name, model) in enumerate(names)),
        record(NOON + 99, failed=True, fail={"status_code": 500, "body": body}, source="ann", api_key=""),
    )
    first, second = failures(asked()).reasons
    assert (first.text, first.count, second.count) == ("Slow down", 9, 1)
    accounts, keys, models = (first.who[name] for name in ("source", "api_key", "model"))
    assert [(each.label, each.count) for each in accounts.most[:2]] == [("ann", 2), ("bob", 1)]
    assert (accounts.total, len(accounts.most), models.total, models.most[0].count) == (8, 5, 7, 3)
    assert (keys.total, keys.most[0].count) == (1, 9)
    assert [each.key for each in second.who["api_key"].most] == ["unknown"]
    for label, share in (("source", accounts.most[0]), ("model", models.most[0]), ("api_key", keys.most[0])):
        assert event_page(asked(message=body, status="429", **{label: [share.key]}), 1, 20).total == share.count
