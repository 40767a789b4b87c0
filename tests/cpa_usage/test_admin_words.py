"""The Chinese admin is Chinese: what our own models, columns and actions are called."""

import re
from html import unescape

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.management import call_command

from cpa_usage.admin.words import OURS

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


def test_names_that_depend_on_the_language_change_no_migration():
    call_command("makemigrations", "--check", "--dry-run", *(name for name in OURS if apps.get_app_config(name).models))
