"""manage.py apitoken: a script makes a token, sees what there is, and revokes it."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from cpa_usage.models import ApiToken

pytestmark = pytest.mark.django_db


def run(*arguments):
    told = StringIO()
    call_command("apitoken", *arguments, stdout=told, stderr=StringIO())
    return told.getvalue()


def test_a_token_is_made_listed_used_and_revoked(settings):
    settings.AUTH_ENABLED, settings.LOGIN_PASSWORD = True, "correct horse"
    raw = run("create", "waybar", "--scope", "read", "--days", "30").strip()
    row = ApiToken.objects.get()
    assert timedelta(days=29, hours=23) < row.expires_at - timezone.now() <= timedelta(days=30)
    client = Client(headers={"Authorization": f"Bearer {raw}"})
    assert client.get("/api/v1/pricing").status_code == 200
    assert run("list").startswith(f"{row.pk}  {row.shown}  read  active, until ")
    assert raw not in run("list")
    run("revoke", "waybar")
    assert client.get("/api/v1/pricing").status_code == 401
    assert "revoked" in run("list")


def test_without_days_it_has_no_end():
    run("create", "prometheus", "--scope", "metrics")
    assert ApiToken.objects.values_list("scope", "expires_at").get() == ("metrics", None)
    assert "without end, never used  prometheus" in run("list")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("create", "x", "--days", "0"), "days: Ensure this value is greater than or equal to 1."),
        (("create", "x", "--days", "many"), "days: Enter a whole number."),
        (("create", "x" * 101), "name: Ensure this value has at most 100 characters"),
        (("create", "x", "--scope", "write"), "invalid choice: 'write'"),
        (("revoke", "x"), "No tokens are called x"),
        (("revoke", "twin"), "2 tokens are called twin: apitoken list shows their numbers."),
    ],
)
def test_what_cannot_be_done_is_said(arguments, sentence):
    for _ in range(2):
        run("create", "twin")
    with pytest.raises(CommandError, match=sentence.replace("(", r"\(")):
        run(*arguments)
    assert ApiToken.objects.filter(revoked_at=None).count() == 2


def test_of_several_with_a_name_one_is_revoked_by_its_number():
    for _ in range(2):
        run("create", "twin")
    last = ApiToken.objects.order_by("pk").last()
    run("revoke", str(last.pk))
    assert ApiToken.objects.get(revoked_at=None).pk != last.pk
