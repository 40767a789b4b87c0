"""What cannot be understood is refused with the parameter's name; what can, is forgiven; nothing of it does harm."""

import pytest

from tests.usage.api import expected

pytestmark = pytest.mark.django_db
FILTERED = ["overview", "health", "analysis", "events", "events/filters", "credentials"]
RANGE = (
    "Unknown range: use today, yesterday, this_week, last_week, this_month, last_month, 1h to 168h, 1d to 366d, all or "
    "custom."
)
MOMENT = "Not a moment: write 2026-11-11, 2026-11-11T08:30 or 2026-11-11T08:30:00+08:00."
STATUS = "A status is a whole number from 100 to 599, or 0 for none."
NUL = "Null characters are not allowed."
REFUSED = {
    "range=last_year": ("range", RANGE),
    "range=0h": ("range", RANGE),
    "range=169h": ("range", RANGE),
    "range=0d": ("range", RANGE),
    "range=367d": ("range", RANGE),
    "range=%00": ("range", RANGE),
    "result=maybe": ("result", "Unknown result: use success or failed."),
    "result=SUCCESS": ("result", "Unknown result: use success or failed."),
    "start=noon&end=2026-11-24": ("start", MOMENT),
    "start=2026-11-24&end=2026-13-01": ("end", MOMENT),
    "range=all&start=2026-02-30": ("start", MOMENT),
    "range=custom": ("start", "A custom range needs a start."),
    "start=2026-11-24": ("end", "A custom range needs an end."),
    "end=2026-11-24": ("start", "A custom range needs a start."),
    "start=2026-11-24&end=2026-11-24": ("end", "The end must be after the start."),
    "start=2026-11-24T08:00:00Z&end=2026-11-24T16:00:00%2B08:00": ("end", "The end must be after the start."),
    "model=a&model=b%00": ("model", NUL),
    "source=%00": ("source", NUL),
    "api_key=%00": ("api_key", NUL),
    "provider=%00": ("provider", NUL),
    "requested_model=%00": ("requested_model", NUL),
    "reasoning_effort=%00": ("reasoning_effort", NUL),
    "tier=%00": ("tier", NUL),
    "status=99": ("status", STATUS),
    "status=600": ("status", STATUS),
    "status=-1": ("status", STATUS),
    "status=4.5": ("status", STATUS),
    "status=busy": ("status", STATUS),
    "message=%00": ("message", NUL),
    "message=" + "a" * 161: ("message", "Ensure this value has at most 160 characters (it has 161)."),
    "request_id=" + "a" * 256: ("request_id", "Ensure this value has at most 255 characters (it has 256)."),
}


@pytest.mark.parametrize("path", FILTERED)
@pytest.mark.parametrize("query", REFUSED)
def test_what_cannot_be_understood_names_its_parameter(client, path, query):
    reply = client.get(f"/api/v1/usage/{path}?{query}")
    field, sentence = REFUSED[query]
    assert (reply.status_code, reply.json()) == (400, {"error": sentence, "field": field})


@pytest.mark.parametrize(
    ("query", "field", "sentence"),
    [
        ("year=last", "year", "A year is 1970 to 2199."),
        ("year=1969", "year", "A year is 1970 to 2199."),
        ("year=2200", "year", "A year is 1970 to 2199."),
        ("year=0", "year", "A year is 1970 to 2199."),
        ("year=" + "9" * 30, "year", "A year is 1970 to 2199."),
        ("day=2026-02-29", "day", "A day is a date such as 2026-11-24."),
        ("day=24.11.2026", "day", "A day is a date such as 2026-11-24."),
        ("day=0001-01-01", "day", "A day lies in the years 1970 to 2199."),
        ("day=9999-12-31", "day", "A day lies in the years 1970 to 2199."),
    ],
)
def test_years_and_days_that_are_none(client, query, field, sentence):
    reply = client.get(f"/api/v1/usage/health?{query}")
    assert (reply.status_code, reply.json()) == (400, {"error": sentence, "field": field})


@pytest.mark.parametrize(
    ("query", "field", "sentence"),
    [
        ("page=first", "page", "A page is a whole number."),
        ("page=1.5", "page", "A page is a whole number."),
        ("page_size=many", "page_size", "A page size is a whole number."),
        ("before=nothing", "before", "There is no such event: give the event_key of one that is kept."),
        ("before=%00", "before", NUL),
        (f"before=1-{'0' * 32}", "before", "There is no such event: give the event_key of one that is kept."),
        (f"before={'f' * 15}-{'0' * 32}", "before", "There is no such event: give the event_key of one that is kept."),
    ],
)
def test_pages_that_are_none(client, query, field, sentence):
    reply = client.get(f"/api/v1/usage/events?{query}")
    assert (reply.status_code, reply.json()) == (400, {"error": sentence, "field": field})


PAGES = {
    "": (1, 100),
    "page=&page_size=": (1, 100),
    "page=0": (1, 100),
    "page=-7&page_size=20": (1, 20),
    "page=%202%20&page_size=50": (2, 50),
    "page_size=0": (1, 100),
    "page_size=21": (1, 100),
    "page_size=-100": (1, 100),
    "page_size=1000": (1, 1000),
    "page_size=99999999999999999999999999": (1, 100),
    "page=1000000000&page_size=1000": (10**9, 1000),
    "page=99999999999999999999999999": (10**9, 100),
}


@pytest.mark.parametrize("more", ["", "&request_id=a07802d8", "&result=failed"])
@pytest.mark.parametrize("query", PAGES)
def test_numbers_that_name_no_page_are_forgiven(client, captured, query, more):
    page, size = PAGES[query]
    found = [one for one in captured if "failed" not in more or one.failed]
    found = [one for one in found if "request" not in more or one.item["request_id"] == "a07802d8"]
    last = max(1, -(-len(found) // size))
    assert client.get(f"/api/v1/usage/events?{query}{more}").json() == expected.events(found, min(page, last), size)


@pytest.mark.parametrize("year", [1970, 2199])
def test_the_first_and_the_last_year_can_be_shown(client, captured, year):
    for day in (f"{year}-01-01", f"{year}-12-31"):
        reply = client.get(f"/api/v1/usage/health?year={year}&day={day}").json()
        assert reply == expected.health(captured, year, day)


def test_moments_beyond_all_records_are_edges(client, captured):
    reply = client.get("/api/v1/usage/analysis?start=0001-01-01&end=9999-12-31T23:59:59Z").json()
    assert reply == expected.analysis(captured)


def test_a_thousand_values_are_refused_in_json(client):
    reply = client.get("/api/v1/usage/overview?" + "&".join(f"model={n}" for n in range(1001)))
    assert (reply.status_code, reply.json()) == (400, {"error": "This request cannot be understood."})


@pytest.mark.parametrize("path", [*FILTERED, "events/1-0", "events/x/log", "events/x/log/raw"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_reads_are_no_writes(client, path, method):
    reply = client.generic(method, f"/api/v1/usage/{path}", b"{}", content_type="application/json")
    allowed = set(reply["Allow"].split(", "))
    assert (reply.status_code, allowed) == (405, {"GET", "HEAD", "OPTIONS"})
    assert reply.json() == {"error": f'Method "{method}" not allowed.'}


@pytest.mark.parametrize("path", ["usage", "usage/nothing", "usage/events/filters/more", "usage/events//log", "usage/"])
def test_addresses_that_are_none(client, path):
    reply = client.get(f"/api/v1/{path}")
    assert (reply.status_code, reply.json()) == (404, {"error": "There is nothing at this address."})


@pytest.mark.parametrize(
    "key", ["a07802d8", "1-0", f"1-{'0' * 32}", f"{'f' * 16}-{'0' * 32}", f"0x1-{'0' * 32}", "%00", "ü"]
)
def test_events_that_are_none(client, key):
    reply = client.get(f"/api/v1/usage/events/{key}")
    assert (reply.status_code, reply.json()) == (404, {"error": "There is no such event, or it is no longer kept."})


@pytest.mark.parametrize("path", ["overview", "timeline", "medians"])
def test_a_series_of_two_centuries_is_refused(client, captured, path):
    reply = client.get(f"/api/v1/usage/{path}?start=1970-01-02&end=2170-01-01")
    sentence = "What is shown over time is at most ten years long."
    assert (reply.status_code, reply.json()) == (400, {"error": sentence, "field": "end"})
