"""How gaps are sentence_of: their time in words, how many were lost, and the reason in the reader's language."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils.translation import override

from catalog.models import AuthFile
from usage.collector.gaps import DIED, OVERFLOWED, STOPPED, UNREAD
from usage.models import Gap
from usage.ops import gaps
from usage.ops.gaps import LostBy, rows, sentence_of, when

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)  # 17:00 in Shanghai
AT = datetime(2026, 11, 24, 4, 19, 21, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def now(set_clock):
    set_clock(NOW)


def gap(length=MINUTE, start=AT, **fields):
    return Gap(start=start, end=start + length, reason="x", **fields)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(0), "for < 1 s at 12:19:21"),
        (timedelta(seconds=0.4), "for < 1 s at 12:19:21"),
        (timedelta(seconds=1), "for 1 s at 12:19:21"),
        (timedelta(seconds=59.2), "for 59 s at 12:19:21"),
        (MINUTE, "12:19:21–12:20:21, 1 min"),
        (timedelta(minutes=5, seconds=42), "12:19:21–12:25:03, 5 min 42 s"),
        (timedelta(hours=3, minutes=1, seconds=9), "12:19:21–15:20:30, 3 h 1 min"),
        (timedelta(days=2, hours=1), "12:19:21–26 Nov, 13:19:21, 2 d 1 h"),
    ],
)
def test_a_time_is_told_in_words(length, words):
    assert when(gap(length)) == words


def test_a_time_of_another_day_has_the_day():
    before = AT - timedelta(days=1)
    assert when(gap(MINUTE, before)) == "23 Nov, 12:19:21–12:20:21, 1 min"
    assert when(gap(timedelta(seconds=1), before)) == "for 1 s at 23 Nov, 12:19:21"


def test_several_in_a_row_are_told():
    assert when(gap(times=20)) == "12:19:21–12:20:21, 1 min, 20 times"


def test_a_notice_says_how_many_where_that_is_known():
    assert sentence_of(gap()) == "Records may have been lost: 12:19:21–12:20:21, 1 min."
    assert sentence_of(gap(lost=1)) == "1 record was lost: 12:19:21–12:20:21, 1 min."
    assert sentence_of(gap(lost=1042)) == "1,042 records were lost: 12:19:21–12:20:21, 1 min."


def test_all_of_it_is_told_in_chinese():
    with override("zh-hans"):
        assert sentence_of(gap(times=2)) == "可能丢失了记录：12:19:21–12:20:21，1 分钟，共 2 次。"
        assert sentence_of(gap(timedelta(seconds=1), AT - timedelta(days=1), lost=3)) == (
            "丢失了 3 条记录：11月23日 12:19:21，持续 1 秒。"
        )


@pytest.mark.parametrize("ours", [STOPPED, DIED, UNREAD % 3600, f"{STOPPED}. {UNREAD % 10}", f"Cut. {OVERFLOWED}."])
def test_a_reason_of_our_own_is_told_in_the_language_of_the_reader(ours):
    assert gaps.reason(Gap(reason=ours)) == ours.rstrip(".")
    with override("zh-hans"):
        chinese = gaps.reason(Gap(reason=ours))
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)
    assert re.findall(r"\d+", chinese) == re.findall(r"\d+", ours)


def test_a_reason_that_is_not_ours_stays_as_it_is():
    words = "The spool is full (100% of 012 MB): %s %d 12:05:03 %(x)s"
    assert gaps.reason(Gap(reason=words)) == words


@pytest.mark.django_db
def test_rows_name_accounts_where_they_are_known_the_most_first_in_as_many_queries(django_assert_num_queries):
    AuthFile.objects.create(auth_index="a1", name="a.json", email="alice@example.org")
    gap(lost=6, lost_by={"b2": 2, "a1": 3, "c3": 1}).save()
    for n in range(120):
        gap(start=AT - timedelta(hours=n + 1), lost_by={f"n{n}": 1}).save()
    with django_assert_num_queries(3):
        found = rows()
    assert (len(found), found[0].lost) == (100, 6)
    assert found[0].lost_by == [LostBy("a1", "alice@example.org", 3), LostBy("b2", "b2", 2), LostBy("c3", "c3", 1)]
