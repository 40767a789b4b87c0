"""Client keys in the admin: named in the list, carried over as a file that is taken whole or not at all."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aliases.models import ApiKey, Revision
from cpa_usage.keys import fingerprint, mask
from pricing.models import Model
from tests.aliases.opened import opened
from tests.usage.made import NOON, record, stored

pytestmark = pytest.mark.django_db

KEYS = "/admin/aliases/apikey/"
ALICE, BOB = "sk-client-alice-0001", "sk-client-bob-00002"


@pytest.fixture
def admin(admin_client):
    return admin_client


@pytest.fixture
def used():
    """Alice asked twice, Bob once and of a model without a price."""
    stored(
        record(NOON),
        record(NOON + 1),
        record(NOON + 2, api_key=BOB, model="acme", alias="acme"),
        record(NOON + 3, api_key=""),
    )
    Model.objects.get(name="gpt-5").set_price({"prompt": 10**10, "completion": 0})


def names():
    return dict(ApiKey.objects.named().values_list("fingerprint", "alias"))


def renamed(*aliases):
    """The list as it is posted, with these names in its order."""
    keys = ApiKey.objects.filter(mask__in=[mask(ALICE), mask(BOB)]).order_by("mask")
    form = {"form-TOTAL_FORMS": len(keys), "form-INITIAL_FORMS": len(keys), "_save": "Save"}
    for i, (key, alias) in enumerate(zip(keys, aliases, strict=True)):
        form |= {f"form-{i}-id": key.pk, f"initial-form-{i}-alias": key.alias, f"form-{i}-alias": alias}
    return form


def test_the_list_shows_who_used_what(admin, used):
    page = admin.get(KEYS).content.decode()
    for text in (mask(ALICE), mask(BOB), "$2.00", "100% of tokens unpriced", "2026-11-24", fingerprint(ALICE)[:12]):
        assert text in page
    assert ALICE not in page
    assert [key.mask for key in admin.get(KEYS).context["cl"].result_list] == [mask(ALICE), mask(BOB)]


def test_names_are_given_in_the_list(admin, used):
    assert admin.post(KEYS, renamed(" Alice ", "")).status_code == 302
    assert names() == {fingerprint(ALICE): "Alice"}
    assert Revision.current() == 1
    admin.post(KEYS, renamed("", ""))
    assert (names(), Revision.current()) == ({}, 2)


def test_a_list_that_was_open_for_a_while_changes_only_what_was_typed(admin, used):
    ApiKey.objects.describe(BOB, alias="Bob", owner="Sales")
    form = opened(admin.get(KEYS)) | {"form-0-alias": "Alice", "_save": "Save"}
    ApiKey.objects.describe(ALICE, owner="Research")
    ApiKey.objects.describe(BOB, alias="Robert", owner="Support")
    assert admin.post(KEYS, form).status_code == 302
    assert names() == {fingerprint(ALICE): "Alice", fingerprint(BOB): "Robert"}
    assert ApiKey.objects.owners() == {fingerprint(ALICE): "Research", fingerprint(BOB): "Support"}


@pytest.mark.parametrize("count", [150, 200])
def test_the_longest_list_can_be_sent(admin, count):
    """With every row chosen; Django refuses more than a thousand fields."""
    ApiKey.objects.bulk_create(ApiKey(fingerprint=f"{i:064}", alias=f"k{i}") for i in range(count))
    page = admin.get(KEYS + "?all=")
    form = opened(page) | {"form-0-alias": "first", "_save": "Save"}
    form["_selected_action"] = [key.pk for key in page.context["cl"].result_list]
    assert admin.post(KEYS + "?all=", form).status_code == 302
    assert "first" in names().values()


def test_too_long_a_name_is_refused(admin, used):
    page = admin.post(KEYS, renamed("x" * 256, "Bob"))
    assert page.status_code == 200 and "at most 255 characters" in page.content.decode()
    assert (names(), Revision.current()) == ({}, 0)


def test_a_key_has_a_page_that_leads_to_the_dashboard(admin, used):
    key = ApiKey.objects.get(fingerprint=fingerprint(ALICE))
    page = admin.get(f"{KEYS}{key.pk}/change/").content.decode()
    assert f"/usage/?range=30d&amp;api_key={fingerprint(ALICE)}" in page and ALICE not in page
    assert admin.post(f"{KEYS}{key.pk}/change/", {"alias": "Alice"}).status_code == 302
    assert names() == {fingerprint(ALICE): "Alice"}


def test_keys_are_neither_made_nor_deleted_here(admin, used):
    key = ApiKey.objects.first()
    assert admin.get(KEYS + "add/").status_code == 403
    assert admin.post(f"{KEYS}{key.pk}/delete/", {"post": "yes"}).status_code == 403
    assert ApiKey.objects.count() == 3


def test_names_are_cleared(admin, used):
    ApiKey.objects.describe(ALICE, alias="Alice")
    chosen = list(ApiKey.objects.real().values_list("pk", flat=True))
    page = admin.post(KEYS, {"action": "clear_names", "_selected_action": chosen}, follow=True)
    assert "1 names were cleared." in page.content.decode()
    assert names() == {}


def test_keys_can_be_searched(admin, used):
    ApiKey.objects.describe(BOB, alias="Bob")
    assert [k.alias for k in admin.get(KEYS, {"q": "bo"}).context["cl"].result_list] == ["Bob"]


# --- Files --------------------------------------------------------------------------------------------------------


def upload(admin, content, mode="merge"):
    content = content if isinstance(content, bytes) else json.dumps(content).encode()
    return admin.post(KEYS + "import/", {"file": SimpleUploadedFile("a.json", content), "mode": mode}, follow=True)


def test_an_export_is_taken_back(admin, used):
    ApiKey.objects.describe(ALICE, alias="Alice")
    reply = admin.get(KEYS + "export/")
    assert reply["Content-Disposition"] == 'attachment; filename="cpa-usage-aliases.json"'
    assert ALICE not in reply.content.decode()
    ApiKey.objects.describe(ALICE, alias="")
    assert "Keys named: 1. Items skipped: 0. Names cleared: 0." in upload(admin, reply.content).content.decode()
    assert names() == {fingerprint(ALICE): "Alice"}


def test_replacing_clears_the_other_names(admin, used):
    ApiKey.objects.describe(ALICE, alias="Alice")
    page = upload(admin, {"items": [{"api_key": BOB, "alias": "Bob"}, {"api_key": "", "alias": "x"}]}, "replace")
    assert "Keys named: 1. Items skipped: 1. Names cleared: 1." in page.content.decode()
    assert names() == {fingerprint(BOB): "Bob"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xff\xfe{", "The file is not JSON."),
        (b"{", "The file is not JSON."),
        ([], "The file must hold a JSON object with items."),
        ({}, "items: "),
        ({"items": "all"}, "items: "),
        ({"items": [{"api_key": BOB, "alias": "ok"}, {"api_key": BOB, "alias": 7}]}, "items: item 2, alias: "),
        ({"items": [{"key_id": "abc", "alias": "x"}]}, "key_id: A key_id is 64 hexadecimal digits."),
        ({"items": [{"api_key": "sk-c****0001", "alias": "x"}]}, "This is a masked key: send its key_id instead."),
        ({"items": [{"api_key": BOB, "alias": "x" * 256}]}, "alias: "),
    ],
)
def test_a_bad_file_is_refused_whole_and_the_item_named(admin, used, content, sentence):
    assert sentence in upload(admin, content).content.decode()
    assert (names(), Revision.current()) == ({}, 0)


def test_a_bad_mode_is_refused(admin, used):
    assert (
        "Select a valid choice" in upload(admin, {"items": [{"api_key": BOB, "alias": "Bob"}]}, "all").content.decode()
    )
    assert names() == {}


def test_a_list_takes_as_many_queries_for_a_hundred_rows_as_for_ten(admin, used):
    counts = []
    for start, end in ((0, 10), (10, 98)):
        ApiKey.objects.bulk_create(ApiKey(fingerprint=f"{i:064}", alias=f"k{i}") for i in range(start, end))
        with CaptureQueriesContext(connection) as queries:
            assert len(admin.get(KEYS).context["cl"].result_list) == end + 2
        counts.append(len(queries))
    assert counts[1] <= counts[0] <= 15  # the first one also learns the content types


def test_strangers_are_sent_to_sign_in(client, used):
    ApiKey.objects.describe(ALICE, alias="Alice")
    for path in (KEYS, KEYS + "export/", KEYS + "import/"):
        assert client.get(path).status_code == 302
        assert client.post(path, renamed("", "")).status_code == 302
    assert names() == {fingerprint(ALICE): "Alice"}
