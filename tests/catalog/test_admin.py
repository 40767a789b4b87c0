"""The catalogue in the admin: to look at, never to change, and read again on demand."""

import pytest

from catalog.models import AuthFile, Provider
from catalog.sync import sync

pytestmark = pytest.mark.django_db

FILES, KEYS = "/admin/catalog/authfile/", "/admin/catalog/provider/"
SYNC_NOW = FILES + "sync-now/"


@pytest.fixture
def admin(admin_client):
    return admin_client


def test_lists_show_how_each_account_is_doing(admin, cpa):
    sync()
    AuthFile.objects.filter(email="dave@example.com").update(unavailable=True, status_message="<b>odd</b>")
    page = admin.get(FILES).content.decode()
    for text in ("carol@example.com", "active", "disabled", "unavailable", "&lt;b&gt;odd&lt;/b&gt;"):
        assert text in page
    page = admin.get(KEYS).content.decode()
    for text in ("Claude-Reseller", "sk-r****3333", "gemini-interactions"):
        assert text in page


def test_lists_can_be_searched_and_filtered(admin, cpa):
    sync()
    assert "dave@example.com" not in admin.get(FILES, {"q": "carol"}).content.decode()
    assert "Claude-Reseller" not in admin.get(KEYS, {"provider_type": "xai"}).content.decode()


@pytest.mark.parametrize(("path", "model"), [(FILES, AuthFile), (KEYS, Provider)])
def test_nothing_can_be_changed(admin, cpa, path, model):
    sync()
    pk = model.objects.first().pk
    assert admin.get(f"{path}{pk}/change/").status_code == 200
    for page in (f"{path}add/", f"{path}{pk}/change/", f"{path}{pk}/delete/"):
        assert admin.post(page, {"name": "mine"}).status_code == 403
    assert model.objects.filter(name="mine").count() == 0


@pytest.mark.parametrize(("path", "model"), [(FILES, AuthFile), (KEYS, Provider)])
def test_a_list_takes_as_many_queries_for_a_hundred_rows_as_for_ten(admin, django_assert_max_num_queries, path, model):
    for start, end in ((0, 10), (10, 100)):
        model.objects.bulk_create(model(auth_index=f"i{i}") for i in range(start, end))
        with django_assert_max_num_queries(8):
            assert admin.get(path).content.decode().count("/change/") >= end


def test_a_sync_is_asked_for_and_then_done(admin, cpa):
    assert "Sync accounts and keys with CPA?" in admin.get(SYNC_NOW).content.decode()
    assert AuthFile.objects.count() == 0
    reply = admin.post(SYNC_NOW, {"_form_submitted": "on"})
    assert reply["Location"].endswith(FILES)
    assert "Accounts and keys are synced with CPA." in admin.get(FILES).content.decode()
    assert AuthFile.objects.count() == 5


def test_the_dialog_is_left_for_the_list(admin, cpa):
    reply = admin.post(SYNC_NOW, {"_form_submitted": "on"}, headers={"HX-Request": "true"})
    assert (reply.status_code, reply["HX-Redirect"].endswith(FILES)) == (200, True)


def test_a_sync_that_fails_says_why(admin, cpa):
    cpa.fail_paths = {"/v0/management/auth-files": 500}
    admin.post(KEYS + "sync-now/", {"_form_submitted": "on"})
    assert "CPA answers 500 for auth-files: injected failure." in admin.get(KEYS).content.decode()


def test_strangers_are_sent_to_sign_in(client, cpa):
    for path in (FILES, KEYS, SYNC_NOW):
        assert client.post(path, {"_form_submitted": "on"}).status_code == 302
    assert AuthFile.objects.count() == 0
