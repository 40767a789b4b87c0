"""Reports of the connection to CPA in the language of the reader."""

import pytest
from django.utils.translation import override

from catalog.client import client, fetch
from catalog.problems import Unreachable
from catalog.reported import SENTENCES, reported


def test_what_is_raised_is_said_in_chinese(settings):
    settings.CPA_BASE_URL = "http://127.0.0.1:1"
    with client() as http, pytest.raises(Unreachable) as raised:
        fetch(http, "GET", "/", key="", most=1, seconds=5)
    assert reported(str(raised.value)) == str(raised.value)
    with override("zh-hans"):
        said = reported(str(raised.value))
    assert said.startswith("CPA 在 http://127.0.0.1:1 没有响应（")
    assert said.endswith("它在运行吗？请把 CPA_BASE_URL 设为它的地址。")


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_sentence_has_its_chinese(sentence):
    values = dict.fromkeys(("address", "reason", "path", "seconds", "name", "status", "at"), "x")
    with override("zh-hans"):
        assert reported(sentence % values) != sentence % values


def test_what_is_not_ours_stays_as_it_is():
    with override("zh-hans"):
        assert reported("Something else. 100% of it.") == "Something else. 100% of it."
