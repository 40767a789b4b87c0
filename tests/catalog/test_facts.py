"""Captured and odd replies of CPA -> what they say."""

import json

import pytest

from catalog import facts
from catalog.facts import COMPATIBLE, PROVIDER_LISTS, UnexpectedReply
from cpa_usage.keys import fingerprint
from tests.simulator.raw import captured


def reply(name):
    return json.dumps(captured(name)["json"]).encode()


def files(*entries):
    return facts.auth_files(json.dumps({"files": entries}).encode())


def keys(*entries, name="claude-api-key"):
    return facts.provider_keys(name, json.dumps({name: entries}).encode())


def only(rows, *names):
    """Some fields of every row."""
    return [tuple(row[name] for name in names) for row in rows]


def test_the_captured_auth_files():
    listed = facts.auth_files(reply("management-auth-files"))
    assert sum(facts.file_counts(reply("management-auth-files")).values()) == 15
    assert only(listed, "auth_index", "email", "provider", "status", "plan") == [
        ("3beaa81eaa3ac032", "erin@example.com", "antigravity", "active", ""),
        ("42db0620a6000fdc", "dave@example.com", "claude", "active", ""),
        ("e64be36b9abbced4", "carol@example.com", "codex", "active", "pro"),
        ("a86ff66caf21174d", "disabled@example.com", "codex", "disabled", ""),
        ("7607358d7284b498", "frank@example.com", "xai", "active", ""),
    ]
    assert listed[0] == {
        "auth_index": "3beaa81eaa3ac032",
        "name": "antigravity-erin@example.com.json",
        "email": "erin@example.com",
        "type": "antigravity",
        "provider": "antigravity",
        "label": "erin@example.com",
        "status": "active",
        "status_message": "",
        "source": "file",
        "plan": "",
        "disabled": False,
        "unavailable": False,
        "runtime_only": False,
    }


def test_the_captured_key_of_a_provider_list():
    (inter,) = facts.provider_keys("interactions-api-key", reply("management-interactions-api-key"))
    assert inter == {
        "auth_index": "af4700f6e798ea1c",
        "provider_type": "gemini-interactions",
        "name": "",
        "prefix": "native",
        "base_url": "http://127.0.0.1:9400/gemini",
        "key_fingerprint": fingerprint("AIzaSyMock-INTER2222"),
        "key_mask": "AIza****2222",
        "disabled": False,
    }


def test_the_captured_compatible_keys_are_named_by_their_vendor():
    found = facts.provider_keys(COMPATIBLE, reply("management-openai-compatibility"))
    assert only(found, "auth_index", "name", "prefix", "key_mask") == [
        ("c950c3ada31d57be", "openrouter-mock", "", "sk-o****1111"),
        ("c2dbb05f4776c233", "openrouter-mock", "", "sk-o****2222"),
        ("1c81fcdf0da4bb48", "Claude-Reseller", "team-c", "sk-r****3333"),
        ("07739f3e1c4b6853", "cooling-mock", "", "sk-c****4444"),
    ]


def test_no_raw_key_is_in_what_is_kept():
    for name in PROVIDER_LISTS:
        body = reply(f"management-{name}")
        said = repr(facts.provider_keys(name, body))
        raw = [
            line.split('"')[3] for line in json.dumps(json.loads(body), indent=1).splitlines() if '"api-key":' in line
        ]
        assert raw and not any(key in said for key in raw)


def test_the_other_captured_replies():
    assert sum(facts.key_counts(reply("management-api-key-usage")).values()) == 121
    assert facts.client_key(reply("management-api-keys")) == "sk-client-alice-0001"
    assert facts.switch("usage-statistics-enabled", reply("management-usage-statistics-enabled")) is True
    assert facts.switch("request-log", reply("management-request-log")) is False
    names = facts.model_names(reply("v1-models"))
    assert names == sorted({model["id"] for model in captured("v1-models")["json"]["data"]})
    assert facts.error_words(reply("management-wrong-key")) == "invalid management key"


# --- Odd entries --------------------------------------------------------------------------------------------------


def test_fields_may_be_absent_null_or_of_another_type():
    odd = {"auth_index": "a", "name": None, "email": 5, "type": True, "label": ["x"], "disabled": "True", "id_token": 1}
    expected = [("", "5", "", "", True, "")]
    assert only(files(odd), "name", "email", "type", "label", "disabled", "plan") == expected


def test_type_and_provider_stand_for_each_other():
    found = files({"auth_index": "a", "type": "claude"}, {"auth_index": "b", "provider": "codex"})
    assert only(found, "type", "provider") == [("claude", "claude"), ("codex", "codex")]


def test_entries_that_nothing_can_refer_to_are_left_out():
    assert files({"name": "x", "success": 2}, "odd", None, {"auth_index": " ", "success": -1, "failed": "9"}) == []


def test_attempts_are_counted_by_account():
    entries = [{"auth_index": "a", "success": 2, "failed": 1}, {"success": 5}, {"auth_index": "b", "success": -1}, None]
    assert facts.file_counts(json.dumps({"files": entries}).encode()) == {"a": 3, "b": 0}


def test_long_texts_are_cut_and_nul_is_taken_out():
    (found,) = files({"auth_index": "a", "name": "n" * 300, "label": "x\0y", "status_message": "m " * 400})
    assert (len(found["name"]), found["label"], len(found["status_message"])) == (255, "xy", 500)


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("token expired, sign in again", "token expired, sign in again"),
        ("Incorrect API key provided: sk-ant-api03-abcdefghijk.", "Incorrect API key provided: sk-a****hijk."),
        ("cut sk-abcdefghijklmnopqrstuvwxyz0123456789 here", "cut sk-a****6789 here"),
    ],
)
def test_keys_in_status_messages_are_masked(words, kept):
    assert files({"auth_index": "a", "status_message": words})[0]["status_message"] == kept


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://api.example.com/v1", "https://api.example.com/v1"),
        ("https://user:secret@api.example.com/v1?key=secret#secret", "https://api.example.com/v1"),
        ("user:secret@api.example.com/v1", "api.example.com/v1"),
        ("api.example.com/v1?key=secret", "api.example.com/v1"),
        ("http://[half", ""),
        (None, ""),
    ],
)
def test_addresses_are_kept_without_what_may_be_secret(url, kept):
    assert keys({"auth-index": "a", "base-url": url})[0]["base_url"] == kept


def test_a_key_entry_without_key_models_or_prefix():
    (found,) = keys({"auth-index": "a", "models": None})
    assert found == {
        "auth_index": "a",
        "provider_type": "claude",
        "name": "",
        "prefix": "",
        "base_url": "",
        "key_fingerprint": "",
        "key_mask": "",
        "disabled": False,
    }


def test_a_disabled_vendor_disables_its_keys():
    vendor = {"name": "v", "disabled": True, "api-key-entries": [{"auth-index": "a"}, {"auth-index": "b"}, 7]}
    assert only(keys(vendor, name=COMPATIBLE), "auth_index", "disabled") == [("a", True), ("b", True)]


@pytest.mark.parametrize("entries", [None, [], "odd"])
def test_a_vendor_without_keys_has_an_index_of_its_own(entries):
    vendor = {"name": "v", "auth-index": "a", "api-key-entries": entries}
    assert only(keys(vendor, name=COMPATIBLE), "auth_index", "name") == [("a", "v")]


# --- Odd replies --------------------------------------------------------------------------------------------------


def test_null_is_an_empty_list():
    assert facts.provider_keys("xai-api-key", b'{"xai-api-key": null}') == []
    assert facts.auth_files(b'{"files": null}') == []
    assert facts.client_key(b'{"api-keys": null}') == ""


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b"{}", b'{"files": {}}', b'{"files": 1}', b"\xff"])
def test_what_is_no_such_list_is_not_taken_for_an_empty_one(body):
    for decode in (facts.auth_files, facts.model_names, lambda b: facts.provider_keys("xai-api-key", b)):
        with pytest.raises(UnexpectedReply):
            decode(body)


def test_nesting_without_end_is_unexpected():
    with pytest.raises(UnexpectedReply):
        facts.auth_files(b'{"files":' + b"[" * 100_000)


@pytest.mark.parametrize("body", [b"{}", b'{"request-log": "yes"}', b'{"request-log": null}', b"true"])
def test_a_switch_is_true_or_false(body):
    with pytest.raises(UnexpectedReply):
        facts.switch("request-log", body)


def test_odd_counters_count_nothing():
    usage = {
        "claude": {"a|b": {"success": 3, "failed": None}, "c|d": 9},
        "codex": None,
        "xai": {"e|f": {"success": True}},
    }
    assert list(facts.key_counts(json.dumps(usage).encode()).values()) == [3, 0, 0]


def test_the_first_client_key_that_is_one():
    assert facts.client_key(b'{"api-keys": [null, " ", 7, "key"]}') == "key"
