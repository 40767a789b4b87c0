"""Pages on the first days, and of ranges without anything: what they show, and where they lead."""

import re

import pytest

from tests.usage.made import DAY, HOUR, NOON, record, stored

pytestmark = pytest.mark.django_db


def test_before_the_first_record_health_shows_the_steps(client):
    assert client.get("/health/").context["steps"]


def test_heat_maps_begin_with_the_first_record(client, set_clock):
    set_clock(NOON)  # Tuesday 24 November
    stored(record(NOON - HOUR))
    overview = client.get("/").context["heat"]
    assert [row.start for row in overview] == ["2026-11-23T16:00:00Z"]
    assert overview[0].classes == ["n"] * 44 + ["4"] + ["0"] * 4 + ["n"] * 47

    health = client.get("/health/")
    (month,) = health.context["months"]
    assert (month.date, len(month.weeks), month.weeks[0][:3]) == ("2026-11-01", 1, [None, month.weeks[0][1], None])
    assert health.context["health"].selected_day == "2026-11-24"
    assert [row.start[11:16] for row in health.context["heat"]] == ["00:00", "04:00", "08:00", "12:00"]  # in UTC
    assert "records since 24 Nov 2026, 11:00" in re.sub("<[^>]+>", "", health.text)


def test_the_first_and_the_last_day_lead_to_what_they_count(client, set_clock):
    set_clock(NOON)
    stored(*(record(NOON - hours * HOUR) for hours in (1, 10, 20, 30)))
    first, last = client.get("/?start=2026-11-23T10:10&end=2026-11-24T11:20").context["heat"]
    assert (first.start, first.period) == ("2026-11-22T16:00:00Z", ("2026-11-23T02:10:00Z", "2026-11-23T16:00:00Z"))
    assert (last.start, last.period) == ("2026-11-23T16:00:00Z", ("2026-11-23T16:00:00Z", "2026-11-24T03:20:00Z"))
    assert [row.classes.index("0") for row in (first, last)] == [40, 0]
    assert [row.classes.count("n") for row in (first, last)] == [40, 50]
    for row in (first, last):
        start, end = row.period
        assert client.get(f"/api/v1/usage/events?start={start}&end={end}").json()["total"] == row.total


def test_of_many_days_none_is_chosen_and_quiet_ones_are_shown(client, set_clock):
    set_clock(NOON)
    stored(*(record(NOON - days * DAY) for days in (0, 1, 3, 4, 5, 6, 7, 40)))
    health = client.get("/health/")
    assert health.context["health"].selected_day is None
    assert [month.date for month in health.context["months"]] == ["2026-10-01", "2026-11-01"]
    november = [day for week in health.context["months"][1].weeks for day in week if day]
    assert len(november) == 24 and november[0][0].total == 0
    filtered = client.get("/?model=other&range=all").context["heat"]
    assert len(filtered) == 31  # records are there, of others


def test_a_range_without_anything_leads_to_the_newest_day_with_something(client, set_clock):
    set_clock(NOON)
    stored(record(NOON - 20 * DAY), record(NOON, model="other"))
    for path in ("/", "/analysis/"):
        page = client.get(f"{path}?model=gpt-5&range=today").text
        assert "model=gpt-5&amp;start=2026-11-04&amp;end=2026-11-05" in page
        page = client.get(f"{path}?model=never&range=today").text
        assert "Nothing was ever recorded with these filters." in page
