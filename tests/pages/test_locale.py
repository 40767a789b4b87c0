"""The Chinese words: all there, compiled as they are written, and used."""

import gettext
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "locale/zh_Hans/LC_MESSAGES"
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
        words = gettext.GNUTranslations(compiled)
    assert len(entries) > 250
    assert [key for key, *_, translated in entries + plurals if not translated] == []
    assert [key for key, translated in entries if words.gettext(key) != translated] == []
    assert [key for key, many, translated in plurals if words.ngettext(key, many, 2) != translated] == []


def test_placeholders_survive_translation():
    source = (FOLDER / "django.po").read_text()
    entries = [(text(found[1]), text(found[3])) for found in ENTRY.finditer(source)][1:]
    places = re.compile(r"%\(\w+\)s|\{\d\}")
    assert [key for key, translated in entries if set(places.findall(key)) != set(places.findall(translated))] == []


@pytest.mark.django_db
def test_pages_speak_chinese(client):
    reply = client.get("/system/", headers={"Accept-Language": "zh-CN"})
    assert '<html lang="zh-hans"' in reply.text
    assert "概览" in reply.text
