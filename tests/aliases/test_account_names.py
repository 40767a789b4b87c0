"""Names of accounts: over HTTP, in the admin, and no raw key is kept."""

import pytest

from aliases.models import AccountName, Revision
from cpa_usage.keys import fingerprint
from tests.aliases.opened import opened, sent

pytestmark = pytest.mark.django_db
URL = "/api/v1/account-names"
NAMES = "/admin/aliases/accountname/"
KEY = "sk-ant-demo-Zk81qPq0fXw7Rt2v"


def put(client, **body):
    return client.put(URL, body, content_type="application/json")


def test_an_account_is_named_renamed_and_loses_its_name(client):
    before = Revision.current()
    for name in (" Blue ", "Red"):
        assert put(client, account="ann@example.com", name=name).json() == {"ok": True}
    assert client.get(URL).json() == {"items": [{"account": "ann@example.com", "name": "Red"}]}
    assert client.get(f"{URL}?q=blue").json() == {"items": []}
    assert client.delete(f"{URL}?account=ann@example.com").json() == {"ok": True}
    assert client.get(URL).json() == {"items": []}
    assert Revision.current() == before + 3


def test_a_key_is_kept_as_its_fingerprint(client):
    put(client, account=KEY, name="Company")
    assert AccountName.objects.names() == {fingerprint(KEY): "Company"}
    put(client, account=KEY, name="")
    assert AccountName.objects.names() == {}


@pytest.mark.parametrize(
    ("body", "field"),
    [({"name": "x"}, "account"), ({"account": "a"}, "name"), ({"account": "a", "name": "x" * 256}, "name")],
)
def test_what_is_no_name_is_refused_by_its_field(client, body, field):
    reply = put(client, **body)
    assert (reply.status_code, reply.json()["field"]) == (400, field)


def test_the_admin_names_accounts_and_counts_it(admin_client):
    before = Revision.current()
    form = {"account": KEY, "name": "Company"}
    assert admin_client.post(NAMES + "add/", form).status_code == 302
    assert (AccountName.objects.names(), Revision.current()) == ({fingerprint(KEY): "Company"}, before + 1)
    assert b"Company" in admin_client.get(NAMES).content


def test_what_follows_after_adding_is_the_row_that_was_made(admin_client):
    form = {"account": KEY, "name": "Company", "_continue": "1"}
    reply = admin_client.post(NAMES + "add/", form)
    path = f"{NAMES}{AccountName.objects.get().pk}/change/"
    assert reply.url == f"/usage{path}"
    assert reply.url in admin_client.get(path).content.decode()  # the link in the message


@pytest.mark.parametrize(("name", "sentence"), [("", "This field is required"), ("x" * 256, "at most 255 characters")])
def test_a_refused_form_does_not_show_the_key_again(admin_client, name, sentence):
    page = admin_client.post(NAMES + "add/", {"account": f" {KEY} ", "name": name}).content.decode()
    assert sentence in page and fingerprint(KEY) in page and KEY not in page
    assert AccountName.objects.names() == {}


def test_the_account_of_a_name_stays(admin_client):
    row = AccountName.objects.rename("ann@example.com", "Blue")
    path = f"{NAMES}{row.pk}/change/"
    assert b'name="account"' not in admin_client.get(path).content
    admin_client.post(path, {"account": "bob@example.com", "initial-name": "Blue", "name": "Red"})
    assert AccountName.objects.names() == {"ann@example.com": "Red"}


def test_a_list_that_was_open_for_a_while_leaves_other_names_alone(admin_client):
    rows = [AccountName.objects.rename(account, name) for account, name in (("ann", "Ann"), ("bob", "Bob"))]
    form = opened(admin_client.get(NAMES)) | {"form-0-name": "Anna", "_save": "Save"}
    AccountName.objects.rename("bob", "Robert")
    assert admin_client.post(NAMES, form).status_code == 302
    assert AccountName.objects.names() == {"ann": "Anna", "bob": "Robert"}
    page = admin_client.get(f"{NAMES}{rows[1].pk}/change/")
    AccountName.objects.rename("bob", "Bobby")
    admin_client.post(f"{NAMES}{rows[1].pk}/change/", sent(page.context["adminform"].form))
    assert AccountName.objects.names()["bob"] == "Bobby"
