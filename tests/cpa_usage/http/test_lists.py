"""Every list of the API has a largest size: what may grow can be cut, and says how many there are."""

from datetime import timedelta

import pytest
from django.utils import timezone

from aliases.models import ApiKey
from catalog.models import AuthFile
from cpa_usage.models import Session, password_id
from pricing.models import Model
from usage.models import Gap

pytestmark = pytest.mark.django_db
API, MANY = "/api/v1/", 2100
# What has no `limit`: lists that cannot grow, pages of events, and files of all names, which are a backup.
WHOLE = {
    *("ping", "version", "status", "notices", "auth/session", "aliases/export"),
    *("usage/events", "usage/health", "usage/overview", "usage/pace", "usage/comparison", "usage/timeline"),
    *("usage/token-classes", "usage/medians", "usage/summary", "usage/statement", "usage/export"),
    *("usage/account", "usage/worth"),
}


@pytest.fixture
def lists(client):
    """{path below api/v1/: its parameters} of every read that names nothing in its path."""
    paths = client.get("/api/schema/", headers={"Accept": "application/json"}).json()["paths"]
    return {
        path.removeprefix(API): {each["name"]: each["schema"] for each in methods["get"].get("parameters", [])}
        for path, methods in paths.items()
        if "get" in methods and "{" not in path
    }


def test_what_can_grow_has_a_limit(lists):
    assert {path for path, parameters in lists.items() if "limit" not in parameters} <= WHOLE
    limits = [parameters["limit"] for parameters in lists.values() if "limit" in parameters]
    assert len(limits) > 10
    assert all(limit["maximum"] == 2000 and limit["default"] <= 500 for limit in limits)


def test_a_limit_is_kept_and_one_above_the_largest_is_refused(client, lists):
    for path in [path for path, parameters in lists.items() if "limit" in parameters]:
        assert client.get(f"{API}{path}?limit=2000").status_code == 200, path
        refusal = client.get(f"{API}{path}?limit=2001")
        assert (refusal.status_code, refusal.json()["field"]) == (400, "limit"), path


@pytest.fixture
def grown():
    """More of everything that people and time add than a list shows."""
    now = timezone.now()
    for number in range(MANY):
        Gap.objects.create(start=now - timedelta(hours=number + 1), end=now - timedelta(hours=number), reason="x")
    session = {"password_id": password_id(), "opened_at": now, "expires_at": now + timedelta(days=1)}
    Session.objects.bulk_create(Session(jti=str(number), **session) for number in range(MANY))
    ApiKey.objects.bulk_create(
        ApiKey(fingerprint=f"{number:064x}", mask=f"k{number}", alias=f"n{number}") for number in range(MANY)
    )
    Model.objects.bulk_create(Model(name=f"m{number}") for number in range(MANY))
    AuthFile.objects.bulk_create(AuthFile(auth_index=f"{number:016x}", name=f"a{number}") for number in range(MANY))


def test_no_list_is_longer_than_its_limit(client, grown):
    for path, name in {
        "auth/sessions": "items",
        "aliases": "items",
        "models/used": "items",
        "auth-files": "items",
    }.items():
        for query, most in (("", 500), ("?limit=2000", 2000), ("?limit=7", 7)):
            found = client.get(f"{API}{path}{query}").json()
            assert (len(found[name]), found["totals"][name]) == (most, MANY), path
    assert len(client.get(f"{API}status").json()["gaps"]) == 100
