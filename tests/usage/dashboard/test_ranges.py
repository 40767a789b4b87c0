"""The range of a page: its button says what it means, and its form leads to parameters of the period."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.usage.traffic import store_history
from usage.time.periods import parse_moment

pytestmark = pytest.mark.django_db
NOON = parse_moment("2026-11-24T12:00", "Asia/Shanghai")  # of a Tuesday


@pytest.fixture
def at_noon(set_clock):
    set_clock(NOON)


def button(client, query, **more):
    """What the button of the range says."""
    text = client.get(f"/requests/?{query}", **more).text.split('id="range"')[1].partition("</button>")[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", "", text.partition(">")[2]))).strip(" ▾")


SAID = {
    "": "7 days 18–24 Nov",
    "range=today": "Today Tue 24 Nov",
    "range=yesterday": "Yesterday Mon 23 Nov",
    "range=this_week": "This week 23–29 Nov",
    "range=last_month": "Last month 1–31 Oct",
    "range=5h": "Last 5 hours",
    "range=1h": "Last hour",
    "range=90d": "Last 90 days 27 Aug – 24 Nov",
    "range=all": "All",
    "start=2026-11-21&end=2026-11-22": "Sat 21 Nov",
    "start=2026-11-20T23:30:00Z&end=2026-11-20T23:45:00Z": "21 Nov, 07:30–07:45",
    "range=custom&start=2026-11-20T22:00&end=2026-11-21": "20 Nov, 22:00–24:00",
}


@pytest.mark.parametrize("query", SAID)
def test_the_button_says_the_range_in_local_words(client, at_noon, query):
    assert button(client, query) == SAID[query]


def test_it_says_it_in_chinese(client, at_noon):
    chinese = {"headers": {"Accept-Language": "zh-CN"}}
    assert button(client, "range=yesterday", **chinese) == "昨天 11月23日 周一"
    assert button(client, "range=90d", **chinese) == "最近 90 天 8月27日 – 11月24日"
    cell = "start=2026-11-20T23:30:00Z&end=2026-11-20T23:45:00Z"
    assert button(client, cell, **chinese) == "11月21日 07:30–07:45"


def test_no_page_shows_a_moment_in_utc(client, at_noon):
    store_history(2, 60)
    cell = "start=2026-11-20T23:30:00Z&end=2026-11-24T03:45:00Z"
    for path in ("", "analysis/", "requests/", "accounts/", "health/", "statement/"):
        text = client.get(f"/{path}?{cell}").text
        shown = re.sub(r"<script[^>]*json.*?</script>|<[^>]*>", "", text, flags=re.DOTALL)
        assert re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d", shown) == []
        title = re.sub(r"\s+", " ", text.partition("<title>")[2].partition("</title>")[0])
        assert ("21 Nov, 07:30 – 24 Nov, 11:45 · cpa-usage" in title) == (path != "statement/"), title


ASKED = {
    "last=5&unit=h": {"range": "5h"},
    "last=12&unit=d&range=7d&first_day=2026-11-01": {"range": "12d"},
    "first_day=2026-11-21": {"start": "2026-11-21", "end": "2026-11-22"},
    "first_day=2026-11-21&last_day=2026-11-23&range=7d": {"start": "2026-11-21", "end": "2026-11-24"},
    "first_day=2026-11-23&last_day=2026-11-21": {"start": "2026-11-21", "end": "2026-11-24"},
    "last_day=2026-12-31": {"start": "2026-12-31", "end": "2027-01-01"},
    "first_day=2026-11-21&since=07:30&until=07:45": {"start": "2026-11-21T07:30", "end": "2026-11-21T07:45"},
    "first_day=2026-11-21&since=07:30&until=00:00": {"start": "2026-11-21T07:30", "end": "2026-11-22"},
    "first_day=2026-11-21&last_day=2026-11-22&until=09:00": {"start": "2026-11-21", "end": "2026-11-22T09:00"},
}


@pytest.mark.parametrize("query", ASKED)
def test_the_form_leads_to_parameters_of_the_period_and_keeps_the_filters(client, query):
    reply = client.get(f"/requests/?model=a&model=b&page=3&start=2020-01-01&end=2020-01-02&{query}")
    assert reply.status_code == 302
    kept = {"model": ["a", "b"]}
    assert parse_qs(urlsplit(reply["Location"]).query) == kept | {name: [text] for name, text in ASKED[query].items()}
    assert client.get(f"/requests/{reply['Location']}").status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("last=367&unit=d", "range"),
        ("last=200&unit=h", "range"),
        ("last=x&unit=", "range"),
        ("first_day=2026-02-30", "start"),
        ("first_day=0001-01-01&last_day=9999-12-31", ""),
        ("first_day=2026-11-21&last_day=soon", "end"),
        ("first_day=2026-11-21&since=09:00&until=08:00", "end"),
        ("first_day=2026-11-21&since=9", "start"),
    ],
)
def test_what_the_form_cannot_mean_is_refused_like_every_parameter(client, query, field):
    reply = client.get(f"/requests/?{query}", follow=True)
    assert (reply.status_code, f"<code>{field}</code>" in reply.text) == ((400, True) if field else (200, False))


def test_the_form_stands_for_the_present_range(client, at_noon):
    def given(query):
        text = client.get(f"/requests/?{query}").text.split('id="ranges"')[1].partition('class="quick"')[0]
        fields = re.findall(r'name="(last|first_day|last_day|since|until)"(?:(?!>).)*?value="([^"]*)"', text, re.DOTALL)
        return {name: value for name, value in fields if value}

    assert given("range=last_week") == {"first_day": "2026-11-16", "last_day": "2026-11-22"}
    assert given("range=5h") == {"last": "5"}
    assert given("start=2026-11-20T23:30:00Z&end=2026-11-21T16:00:00Z") == {
        "first_day": "2026-11-21",
        "since": "07:30",
        "last_day": "2026-11-21",
        "until": "00:00",
    }


def test_every_range_and_filter_is_kept_by_the_others(client, at_noon):
    text = client.get("/analysis/?range=yesterday&model=a&model=b&by=api_key").text
    popover = text.split('id="ranges"')[1].partition('class="seg quick"')[0]
    links = [unescape(link) for link in re.findall(r'href="(\?[^"]*)"', popover)]
    assert [parse_qs(link[1:])["range"] for link in links[:3]] == [["today"], ["yesterday"], ["this_week"]]
    assert all(parse_qs(link[1:])["model"] == ["a", "b"] and "by=api_key" in link for link in links)
    assert popover.count('type="hidden" name="model"') == 4  # two values, two forms
    assert re.search(r'range=yesterday[^>]*aria-current="true"', popover)


def test_the_filter_panel_keeps_the_period(client, at_noon):
    text = client.get("/filters/?range=yesterday&for=requests").text
    assert '<input type="hidden" name="range" value="yesterday">' in text and "requests/?range=yesterday" in text
    text = client.get("/filters/?start=2026-11-21&end=2026-11-22").text
    assert '<input type="hidden" name="end" value="2026-11-22">' in text and "?start=2026-11-21&amp;end=2026" in text


def test_days_to_come_have_no_row_of_cells(client, at_noon):
    store_history(2, 60)
    text = client.get("/?range=this_month").text
    assert re.findall(r'class="label"[^>]*>(?:<time[^>]*>)?([^<]*)<', text)[-1] == "Tue 24"
