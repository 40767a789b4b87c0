"""Models and client keys are merged in the admin, after what it does was seen."""

from html import unescape

import pytest
from django_q.models import OrmQ

from aliases.models import ApiKey
from cpa_usage.keys import fingerprint
from pricing.models import Model
from tests.usage.made import NOON, record, stored, totals
from usage import tasks
from usage.models import LabelDay, Lease
from usage.models.labels import OTHER, OTHER_KEY
from usage.rollups.check import check
from usage.rollups.merging import Refused
from usage.rollups.retention import LEASE

pytestmark = pytest.mark.django_db
MODELS, KEYS = "/admin/pricing/model/", "/admin/aliases/apikey/"


@pytest.fixture(autouse=True)
def made():
    Model.objects.create(name="junk-0").set_price({"prompt": 10**9, "completion": 0})
    names = [("gpt-5", "sk-client-alice-0001"), ("junk-0", "sk-junk-0000000000"), ("junk-1", "sk-junk-0000000001")]
    stored(*(record(NOON + n, model=model, api_key=key) for n, (model, key) in enumerate(names)))
    OrmQ.objects.all().delete()


def act(client, path, rows, **more):
    chosen = {"action": "merge", "_selected_action": [row.pk for row in rows]}
    return client.post(path, chosen | more, follow=True).content.decode()


def run_queued():
    [queued] = OrmQ.objects.all()
    assert queued.func() == "usage.tasks.merge_labels"
    return tasks.merge_labels(*queued.task["args"])


def requests(label):
    return dict(LabelDay.objects.of_label(label).values_list("label_value__value", "requests"))


def test_models_are_merged_after_their_effect_was_seen(admin_client, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    junk = Model.objects.filter(name__startswith="junk")
    asked = act(admin_client, MODELS, junk)
    assert 'name="source"' in asked and OTHER in asked
    shown = act(admin_client, MODELS, junk, source=OTHER)
    assert "2 requests are moved" in shown and "their cost becomes unknown" in shown and "$0.10" in shown
    assert (OrmQ.objects.count(), totals()["cost"]) == (0, 10**11)
    done = act(admin_client, MODELS, junk, source=OTHER, _confirmed="1")
    assert "Merge 2 into (other): the task cluster does it in the background" in done
    assert run_queued() == "2 merged"
    assert (requests("model"), totals()["unpriced_tokens"]) == ({"gpt-5": 1, OTHER: 2}, 450)
    assert list(check()) == []


def test_keys_are_merged(admin_client, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    keys = ApiKey.objects.filter(mask__startswith="sk-j")
    act(admin_client, KEYS, keys, source=OTHER, _confirmed="1")
    run_queued()
    assert requests("api_key") == {fingerprint("sk-client-alice-0001"): 1, OTHER_KEY: 2}
    assert ApiKey.objects.get(fingerprint=OTHER_KEY).mask == OTHER


@pytest.mark.parametrize("key", ["sk-client-alice-0001", "hunter2 & co", "sk-client-nobody-0009"])
def test_a_raw_key_is_shown_on_no_page(admin_client, key):
    stored(record(NOON + 9, api_key="hunter2 & co"))
    junk = ApiKey.objects.filter(mask__startswith="sk-j")
    for more in ({}, {"_confirmed": "1"}):
        page = act(admin_client, KEYS, junk, source=f" {key}", **more)
        assert fingerprint(key) in page and key not in unescape(page)


def test_a_key_is_merged_into_by_its_name_however_it_looks(admin_client):
    name = "Alices-Laptop-20261124x"
    ApiKey.objects.describe("sk-client-alice-0001", alias=name)
    junk = ApiKey.objects.filter(mask__startswith="sk-j")
    assert f"Merge 2 into {name}" in act(admin_client, KEYS, junk, source=name)


def test_a_name_that_nothing_has_is_refused_and_nothing_is_queued(admin_client):
    junk = Model.objects.filter(name="junk-1")
    assert "Model no-such: nothing has this name." in act(admin_client, MODELS, junk, source="no-such", _confirmed="1")
    assert "There is nothing to merge." in act(admin_client, MODELS, junk, source="junk-1", _confirmed="1")
    assert OrmQ.objects.count() == 0


def test_a_task_that_finds_another_merge_fails():
    Lease.take("retention", LEASE)
    with pytest.raises(Refused):
        tasks.merge_labels("model", ["junk-1"], OTHER)
