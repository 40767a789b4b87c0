"""The page of accounts: what is used of a quota, and when it resets, in words."""

import re

import pytest

from tests.usage.made import HOUR, NOON, SECOND, record, stored

pytestmark = pytest.mark.django_db
MINUTE = 60 * SECOND


def said(resets, family=""):
    start = f"X-Codex-{family}Primary"
    return {
        f"{start}-Used-Percent": ["76"],
        f"{start}-Window-Minutes": ["10080"],
        f"{start}-Reset-At": [str(resets // SECOND)],
    }


def words(client, **headers):
    """What the page says, without markup."""
    text = re.sub(r"<[^>]+>", " ", client.get("/accounts/?view=cards", headers=headers).text)
    return re.sub(r"\s+", " ", text).replace("( ", "(").replace(" )", ")")


@pytest.mark.parametrize(
    ("left", "sentence"),
    [
        (12 * MINUTE + 59 * SECOND, "76% used · resets 12:12 (in 12 min)"),
        (59 * SECOND, "76% used · resets 12:00 (in &lt; 1 min)"),
        (3 * HOUR, "76% used · resets 15:00 (in 3 h)"),
        (12 * HOUR, "76% used · resets 25 Nov, 00:00 (in 12 h)"),
        (50 * HOUR + MINUTE, "76% used · resets 26 Nov, 14:01 (in 2 d 2 h)"),
        (-MINUTE, "76% used · ended; nothing newer known"),
    ],
)
def test_a_quota_says_how_much_is_used_and_when_it_resets(client, set_clock, left, sentence):
    stored(record(NOON - HOUR, response_headers=said(NOON + left)))
    set_clock(NOON)
    assert sentence in words(client)


def test_a_quota_says_so_in_chinese(client, set_clock):
    stored(record(NOON - HOUR, response_headers=said(NOON + 13 * HOUR + MINUTE)))
    set_clock(NOON)
    found = words(client, **{"Accept-Language": "zh-CN"})
    assert "已用 76% · 11月25日 01:01 （ 13 小时 1 分钟 后） 重置" in found


def test_the_quota_of_a_model_stands_under_its_name(client, set_clock):
    own = said(NOON + HOUR, "Blue-Fox-") | {"X-Codex-Blue-Fox-Limit-Name": ["GPT-5.3-Codex-Spark"]}
    stored(record(NOON - HOUR, response_headers=said(NOON + HOUR) | own))
    set_clock(NOON)
    assert re.findall(r"(GPT-5.3-Codex-Spark )?7d 76% used", words(client)) == ["", "GPT-5.3-Codex-Spark "]


def test_a_window_of_no_time_is_not_shown(client, set_clock):
    stored(record(NOON - HOUR, response_headers=said(NOON + HOUR) | {"X-Codex-Primary-Window-Minutes": ["0"]}))
    set_clock(NOON)
    assert "% used" not in words(client)
