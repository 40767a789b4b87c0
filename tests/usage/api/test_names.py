"""Replies call accounts what the catalogue calls them, and keys what people call them."""

from catalog.facts import PROVIDER_LISTS
from catalog.sync import sync
from simulator import Catalog, Simulator
from tests.simulator.raw import captured as capture
from tests.usage.api import expected


def installation():
    """The accounts and keys of the CPA that wrote the captures."""
    return Catalog(
        auth_files=capture("management-auth-files")["json"]["files"],
        providers={name: capture(f"management-{name}")["json"][name] for name in PROVIDER_LISTS},
        api_keys=capture("management-api-keys")["json"]["api-keys"],
        models=capture("v1-models")["json"]["data"],
    )


def test_every_account_of_the_captures_is_known_to_the_catalogue(client, captured, settings):
    with Simulator(catalog=installation()) as cpa:
        settings.CPA_BASE_URL, settings.CPA_MANAGEMENT_KEY = cpa.base_url, cpa.management_key
        sync()
    items = client.get("/api/v1/usage/credentials").json()["items"]
    blank = expected.credentials(captured, captured)["items"]
    about = ("name", "email", "provider", "status")
    assert [{**item, **dict.fromkeys(about, "")} for item in items] == blank
    providers = {one.item["auth_index"]: one.item["provider"] for one in captured}
    assert {item["auth_index"]: item["provider"] for item in items} == providers
    assert {item["source"] for item in items if item["email"]} == {item["email"] for item in items if item["email"]}
    assert (len(items), [item for item in items if not (item["name"] and item["status"])]) == (15, [])
    offered = {model["id"] for model in capture("v1-models")["json"]["data"]}
    used = {one.item["model"] for one in captured}
    assert client.get("/api/v1/models/used").json() == {"items": sorted(offered | used)}


def test_a_named_key_is_shown_by_its_name_everywhere(client, captured):
    bob = "sk-client-bob-0002"
    client.put("/api/v1/aliases", {"api_key": bob, "alias": "Bob"}, content_type="application/json")
    for one in captured:
        if one.item["api_key"] == bob:
            one.group = (one.group[0], "Bob")
    assert client.get("/api/v1/usage/analysis").json() == expected.analysis(captured)
    assert client.get("/api/v1/usage/events").json() == expected.events(captured)
    labels = client.get("/api/v1/usage/events/filters").json()["api_key_options"]
    assert [option["label"] for option in labels] == ["Bob", "sk-c****0001", "sk-c****0003"]
