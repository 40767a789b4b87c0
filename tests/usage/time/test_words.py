"""Periods in words: local, short, and with the last day of whole ones."""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils.translation import gettext, override

from tests import PROJECT
from usage.time.periods import Period
from usage.time.words import period_in_words

SHANGHAI, NEW_YORK = "Asia/Shanghai", "America/New_York"
TODAY = date(2026, 11, 30)


def said(start, end, zone=SHANGHAI, language="en"):
    """The words for a period between two local moments."""
    edges = (datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)) for text in (start, end))
    with override(language):
        return period_in_words(Period(*(int(edge.timestamp()) * 1_000_000 for edge in edges)), zone, TODAY)


@pytest.mark.parametrize(
    ("start", "end", "english", "chinese"),
    [
        ("2026-11-28", "2026-11-29", "Sat 28 Nov", "11月28日 周六"),
        ("2026-11-23", "2026-11-30", "23–29 Nov", "11月23日–29日"),
        ("2026-10-29", "2026-11-05", "29 Oct – 4 Nov", "10月29日 – 11月4日"),
        ("2025-11-28", "2025-11-29", "Fri 28 Nov 2025", "2025年11月28日 周五"),
        ("2025-11-01", "2025-12-01", "1–30 Nov 2025", "2025年11月1日–30日"),
        ("2025-12-29", "2026-01-05", "29 Dec 2025 – 4 Jan 2026", "2025年12月29日 – 2026年1月4日"),
        ("2026-11-28T07:30", "2026-11-28T07:45", "28 Nov, 07:30–07:45", "11月28日 07:30–07:45"),
        ("2026-11-28T07:30:05", "2026-11-28T07:45", "28 Nov, 07:30:05–07:45:00", "11月28日 07:30:05–07:45:00"),
        ("2026-11-28T22:00", "2026-11-29", "28 Nov, 22:00–24:00", "11月28日 22:00–24:00"),
        ("2026-11-28T00:00", "2026-11-28T06:00", "28 Nov, 00:00–06:00", "11月28日 00:00–06:00"),
        ("2026-11-27T22:00", "2026-11-28T02:00", "27 Nov, 22:00 – 28 Nov, 02:00", "11月27日 22:00 – 11月28日 02:00"),
        ("2026-11-27T22:00", "2026-11-29", "27 Nov, 22:00 – 28 Nov, 24:00", "11月27日 22:00 – 11月28日 24:00"),
        ("2025-11-28T07:30", "2025-11-28T07:45", "28 Nov 2025, 07:30–07:45", "2025年11月28日 07:30–07:45"),
    ],
)
def test_a_period_is_said_in_local_words(start, end, english, chinese):
    assert (said(start, end), said(start, end, language="zh-hans")) == (english, chinese)


def test_a_day_of_25_hours_is_a_day_and_24_of_its_hours_are_none():
    assert said("2026-11-01", "2026-11-02", NEW_YORK) == "Sun 1 Nov"
    assert said("2026-11-01", "2026-11-01T23:00", NEW_YORK) == "1 Nov, 00:00–23:00"


@pytest.mark.parametrize("period", [Period(None, None), Period(5, None), Period(None, 5)])
def test_a_period_open_at_a_side_has_no_words(period):
    assert period_in_words(period, SHANGHAI, TODAY) == ""


def formats_in(folder):
    """The formats of dates in templates: what follows `moment:`, or a `form` that is handed on."""
    texts = [file.read_text() for file in (PROJECT / folder).rglob("*.html")]
    return {form for text in texts for form in re.findall(r"""(?:moment:|form=)["']([^"']+)["']""", text)}


def test_a_date_has_its_day_before_its_month_and_its_chinese_form():
    """Days are written one way in every template."""
    found = formats_in("templates/usage")
    assert "j M, H:i" in found and [form for form in found if re.search(r"[MF],? j", form)] == []
    with override("zh-hans"):
        assert [form for form in found if "j" in form and gettext(form) == form] == []
