"""The page of a week: one sheet of paper in both languages, with links into the week."""

import re

import pytest
from django.test import Client

from pricing.models import Model
from tests.usage.made import DAY, NOON, record, stored


@pytest.mark.django_db
def test_weeks_lead_to_each_other_and_to_their_requests(client, set_clock):
    set_clock(NOON)
    stored(record(NOON - 7 * DAY, request_id="1"))
    page = client.get("/digest/?provider=codex").text
    for address in ("week=2026-W46", "week=2026-W48", "provider=codex&amp;start=2026-11-16&amp;end=2026-11-23"):
        assert address in page
    this_week = client.get("/digest/?week=2026-W48")
    assert "week=2026-W49" not in this_week.text
    assert len(re.findall(r'href="[^"]*week=', this_week.text)) == 1  # other pages know no weeks
    assert this_week.context["digest"].figures.total == 0


@pytest.mark.django_db
def test_bars_are_in_proportion_to_the_largest_also_that_of_the_others(client, set_clock):
    set_clock(NOON)
    for name in "abcdefg":
        Model.objects.set_price(name, {"prompt": 10**6, "completion": 10**6})
    last_week = NOON - 7 * DAY
    stored(*(record(last_week - n, model="abcdefg"[min(n, 6)]) for n in range(8)))
    (panel,) = re.findall(r'aria-labelledby="top-model".*?</section>', client.get("/digest/").text, re.DOTALL)
    assert re.findall(r'class="f(\d)"\s+width="([\d.]+)%"', panel) == [
        ("1", "100.00"),
        *[("1", "50.00")] * 4,
        ("7", "100.00"),
    ]
    assert re.search(
        r'href="[^"]*analysis/[^"]*by=model[^"]*#breakdown-title">\s+<span class="name">\s+2 others', panel
    )


@pytest.mark.django_db
@pytest.mark.parametrize("week", ["2026-W54", "2026", "last", "2026-W48-1", "1969-W10", "9999-W01", "0000-W00"])
def test_what_names_no_week_is_refused(week):
    reply = Client().get("/digest/", {"week": week})
    assert (reply.status_code, "<code>week</code>" in reply.text) == (400, True)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_it_prints_on_one_sheet(page, language):
    page.set_extra_http_headers({"Accept-Language": language})
    page.goto("digest/", wait_until="networkidle")
    assert page.locator(".digest ~ .two .panel").count() == 6
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4", print_background=True))) == 1
    assert page.wrong == []
