"""The made-up records together: retries, turns, rhythm, sizes, and the limits their accounts see."""

from collections import defaultdict
from datetime import datetime
from itertools import pairwise

import pytest

from tests.simulator.made import EVENTS, ended


@pytest.fixture(scope="module")
def requests(made):
    """Records by request, in order of completion; ids that clash by chance are told apart by client and name."""
    found = defaultdict(list)
    for record in made:
        found[record["request_id"], record["api_key"], record["alias"]].append(record)
    return [records for records in found.values() if len(records) > 1]


def test_a_retry_keeps_the_id_and_goes_to_another_account_after_the_failure(requests):
    retried = [
        records for records in requests if records[0]["failed"] and records[0]["endpoint"] != "GET /v1/responses"
    ]
    assert len(retried) > 100
    changed = 0
    for records in retried:
        assert all(record["failed"] for record in records[:-1])
        assert len(records) <= 4
        for before, after in pairwise(records):
            assert datetime.fromisoformat(after["timestamp"]) >= ended(before)
            assert after["model"] == before["model"]
            changed += after["auth_index"] != before["auth_index"]
    assert changed > len(retried) / 2
    assert {records[-1]["failed"] for records in retried} == {True, False}


def test_turns_of_a_websocket_share_an_id(requests):
    turns = [records for records in requests if records[0]["endpoint"] == "GET /v1/responses"]
    assert len(turns) > 100
    assert max(len(records) for records in turns) > 3
    assert all(len({record["client_ip"] for record in records}) == 1 for records in turns)


def test_the_image_tool_s_record_has_its_request_s_id_and_time(requests):
    pairs = [records for records in requests if any(record["model"] == "gpt-image-2" for record in records)]
    assert len(pairs) > 10
    for records in pairs:
        parent, image = records[-2:]
        assert (parent["model"], image["model"]) == ("gpt-5-codex", "gpt-image-2")
        assert all(image[name] == parent[name] for name in ("timestamp", "latency_ms", "auth_index", "alias"))


def test_times_are_plausible(made):
    assert all(0 <= record["ttft_ms"] <= record["latency_ms"] <= 600_000 for record in made)
    assert all(record["ttft_ms"] > 0 for record in made if not record["failed"])


def test_long_contexts_caches_reasoning_and_tiers_occur(made):
    classes = [record["token_breakdown"] for record in made]
    assert sum(parts["input"]["total_tokens"] > 200_000 for parts in classes) > 50
    assert sum(parts["input"]["cache_read_tokens"] > 0 for parts in classes) > EVENTS / 4
    assert sum(parts["input"]["cache_write_tokens"] > 0 for parts in classes) > EVENTS / 10
    assert sum(parts["output"]["reasoning_tokens"] > 0 for parts in classes) > EVENTS / 10
    assert {record["service_tier"] for record in made} == {"auto", "priority", "flex", "default"}
    assert {record.get("response_service_tier") for record in made} == {None, "priority", "flex", "default"}
    answering = {record["provider"] for record in made if "response_service_tier" in record}
    assert answering == {"codex", "xai"}


def test_nights_and_weekends_are_quieter(made):
    hours, weekdays = defaultdict(int), defaultdict(int)
    for record in made:
        moment = datetime.fromisoformat(record["timestamp"])
        hours[moment.hour] += 1
        weekdays[moment.weekday()] += 1
    assert hours[14] > 3 * hours[5]
    assert min(weekdays[day] for day in range(5)) > 1.3 * max(weekdays[5], weekdays[6])


def header(record, name):
    return record["response_headers"][name][0]


def test_headers_carry_the_limits_of_their_account(made):
    good = [record for record in made if not record["failed"]]
    claude = [record for record in good if record["provider"] == "claude"]
    for record in claude:
        if record["auth_type"] == "apikey":
            assert header(record, "Anthropic-Ratelimit-Tokens-Limit") == "2000000"
            continue
        for window in ("5h", "7d"):
            assert 0 <= float(header(record, f"Anthropic-Ratelimit-Unified-{window}-Utilization")) <= 1
            assert header(record, f"Anthropic-Ratelimit-Unified-{window}-Status") in ("allowed", "allowed_warning")
            left = int(header(record, f"Anthropic-Ratelimit-Unified-{window}-Reset")) - ended(record).timestamp()
            assert 0 <= left <= {"5h": 18_300, "7d": 605_100}[window]
    codex = [record for record in good if record["provider"] == "codex" and record["auth_type"] == "oauth"]
    for record in codex:
        for name, minutes in (("Primary", "300"), ("Secondary", "10080")):
            assert 0 <= int(header(record, f"X-Codex-{name}-Used-Percent")) <= 100
            assert header(record, f"X-Codex-{name}-Window-Minutes") == minutes
            assert int(header(record, f"X-Codex-{name}-Reset-After-Seconds")) >= 0
            assert int(header(record, f"X-Codex-{name}-Reset-At")) > 1_790_000_000
    assert claude
    assert codex
    assert all("X-Ratelimit-Remaining-Tokens" in r["response_headers"] for r in good if "compatible" in r["provider"])


def test_header_names_are_sorted_as_go_sorts_them(made):
    for record in made:
        names = list(record.get("response_headers", {}))
        assert names == sorted(names)
    assert any("response_headers" not in record for record in made)


def test_a_token_hash_stands_with_oauth_accounts_alone(made):
    assert all((record["auth_type"] == "oauth") is ("access_token_sha256" in record) for record in made)
