"""The Chinese admin is Chinese: what our own models, columns and actions are called."""

import re
from datetime import date
from html import unescape

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.management import call_command
from django.utils.translation import override

from cpa_usage.admin.words import OURS
from pricing.admin.models import _line
from pricing.catalogue.matching import UNKNOWN
from pricing.models import CatalogueEntry, Model, Origin, PriceSet, RateCard

pytestmark = pytest.mark.django_db
SPOKEN = re.compile(r"<(?:th|h1|h2|h3|label|option|button|a)\b[^>]*>([^<>]*[A-Za-z]{3}[^<>]*)<")
# Names, and icons, which unfold writes as words.
NAMES = re.compile(
    r"[cC]pa-usage|CPA|Token|API|URL|JSON|ID|UTC|Cron|batch|flex|priority|Batch|Flex|Priority|fast|Claude"
)


@pytest.fixture
def boss(admin_client):
    admin_client.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-hans"
    return admin_client


def english(page):
    found = {unescape(text).strip() for text in SPOKEN.findall(page)}
    return {
        text for text in found if not re.search(r"[\u4e00-\u9fff]", text) and NAMES.sub("", text).strip(" -:/()（）")
    }


@pytest.mark.parametrize("model", [m for m in admin.site._registry if m._meta.app_label in OURS], ids=str)
def test_a_list_and_a_form_speak_chinese(boss, model):
    for page in ("", "add/"):
        reply = boss.get(f"/admin/{model._meta.app_label}/{model._meta.model_name}/{page}")
        assert reply.status_code in {200, 403}
        assert reply.status_code == 403 or english(reply.text.partition("<main")[2] or reply.text) == set()


def test_rows_rates_and_reasons_are_said_in_chinese():
    model = Model.objects.create(name="gpt-5")
    dear = RateCard(prompt=3_000_000, completion=15_000_000, cache_read=300_000, context_over=200_000)
    with override("zh-hans"):
        assert _line(dear) == "标准 超过 200,000 Token: 输入 3, 输出 15, 缓存读取 0.3"
        assert str(PriceSet(model=model, origin=Origin.MANUAL)) == "gpt-5 自始 (手动)"
        assert str(CatalogueEntry(reason=UNKNOWN)) == "价目表中没有这个名称的模型。"
    assert str(PriceSet(model=model, valid_from=date(2026, 11, 1))) == "gpt-5 from 2026-11-01 (manual)"


def test_the_frame_and_the_sign_in_page_speak_chinese(boss, client):
    assert "管理" in boss.get("/admin/").text
    assert "administration" not in boss.get("/admin/").text
    page = client.get("/admin/login/", headers={"Accept-Language": "zh-CN"}).text
    assert ("欢迎回到" in page, "返回站点" in page, "Welcome back" in page) == (True, True, False)


def test_names_that_depend_on_the_language_change_no_migration():
    call_command("makemigrations", "--check", "--dry-run", *(name for name in OURS if apps.get_app_config(name).models))
