"""The Chinese words: all there, compiled as they are written, and used."""

import re
from gettext import GNUTranslations

import pytest
from django.utils.timezone import now
from django.utils.translation import gettext, override

from catalog.models import STATES
from tests import PROJECT
from usage.models import DrainState

FOLDER = PROJECT / "locale/zh_Hans/LC_MESSAGES"
ENTRY = re.compile(r'^msgid ((?:".*"\n)+)(?:msgid_plural "(.*)"\n)?msgstr(?:\[0\])? ((?:".*"\n?)+)', re.MULTILINE)


def text(lines):
    return (
        "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', lines)).encode().decode("unicode_escape").encode("latin-1").decode()
    )


def test_everything_is_translated_and_compiled():
    source = (FOLDER / "django.po").read_text()
    entries = [(text(found[1]), text(found[3])) for found in ENTRY.finditer(source) if not found[2]][1:]
    plurals = [(text(found[1]), found[2], text(found[3])) for found in ENTRY.finditer(source) if found[2]]
    with (FOLDER / "django.mo").open("rb") as compiled:
        words = GNUTranslations(compiled)
    assert len(entries) > 250
    assert [key for key, *_, translated in entries + plurals if not translated] == []
    assert [key for key, translated in entries if words.gettext(key) != translated] == []
    assert [key for key, many, translated in plurals if words.ngettext(key, many, 2) != translated] == []


def test_placeholders_survive_translation():
    source = (FOLDER / "django.po").read_text()
    entries = [(found[2] or text(found[1]), text(found[3])) for found in ENTRY.finditer(source)][1:]
    places = re.compile(r"%\(\w+\)s|\{\d\}")
    assert [key for key, translated in entries if set(places.findall(key)) != set(places.findall(translated))] == []


@pytest.mark.parametrize("state", STATES)
def test_a_state_of_an_account_is_said_in_chinese(state):
    with override("zh-hans"):
        assert gettext(state) != state


@pytest.mark.django_db
def test_pages_speak_chinese(client):
    reply = client.get("/system/", headers={"Accept-Language": "zh-CN"})
    assert '<html lang="zh-hans"' in reply.text
    assert "概览" in reply.text


@pytest.mark.django_db
def test_a_page_says_that_it_is_not_live_while_the_collector_stands(client):
    for language, words in {"en": ("Not live", "Live"), "zh-CN": ("已中断", "实时")}.items():
        stopped = client.get("/", headers={"Accept-Language": language}).text
        DrainState.objects.update_or_create(pk=1, defaults={"heartbeat_at": now(), "last_pop_at": now()})
        going = client.get("/", headers={"Accept-Language": language}).text
        assert [word for text, word in zip((stopped, going), words, strict=True) if f">{word}<" not in text] == []
        DrainState.objects.all().delete()


# A parameter that means nothing, and what the page says about it.
REFUSED = {
    "/?range=fortnight": "未知的时间范围：请用 today、yesterday、this_week、last_week、this_month、last_month、",
    "/?start=noon&end=2026-11-24": "无法识别的时刻：请写成 2026-11-11、2026-11-11T08:30 或 2026-11-11T08:30:00+08:00。",
    "/?start=2026-11-24": "自定义范围需要结束时间。",
    "/?start=2026-11-24&end=2026-11-24": "结束时间必须晚于开始时间。",
    "/?result=maybe": "未知的结果：请用 success 或 failed。",
    "/?status=600": "状态码为 100 至 599 的整数，0 表示没有。",
    "/requests/?page=one": "页码必须是整数。",
    "/requests/?order=cost": "未知的排序：请用 -time、-cost、-tokens 或 -latency。",
    "/health/?year=never": "年份为 1970 至 2199。",
    "/analysis/?by=colour": "未知的 by：请用 model, ",
}


@pytest.mark.django_db
@pytest.mark.parametrize("path", REFUSED)
def test_what_is_refused_is_refused_in_chinese(client, path):
    reply = client.get(path, headers={"Accept-Language": "zh-CN"})
    assert (reply.status_code, REFUSED[path] in reply.text) == (400, True)


@pytest.mark.django_db
def test_forms_say_in_chinese_what_is_wrong(client):
    chinese = {"headers": {"Accept-Language": "zh-CN"}}
    wrong = {"-1": "费率不能为负数。", "nothing": "需要填写数字。", "20000": "费率最高为每百万 Token 10,000 美元。"}
    for number, sentence in wrong.items():
        client.post("/prices/set/", {"model": "m", "prompt": number, "completion": "0"}, **chinese)
        assert f"prompt_price_per_1m: {sentence}" in client.get("/prices/", **chinese).text
    client.post("/keys/name/", {"key_id": "sk-a****0001", "alias": "x"}, **chinese)
    assert "api_key: 这是掩码后的密钥：请改为发送它的 key_id。" in client.get("/keys/", **chinese).text
