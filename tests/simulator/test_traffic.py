"""The made-up records one by one: CPA's shape to the key, sums that hold, and the same for a seed."""

import re
from datetime import timedelta
from itertools import islice, pairwise

import msgspec
import pytest

from simulator import Catalog, traffic
from simulator.gotime import NANOSECONDS, Clock, go_json
from tests.simulator.made import END, EVENTS, ended

GEMINI = {"GeminiExecutor", "GeminiVertexExecutor", "AntigravityExecutor"}


def test_there_are_as_many_as_asked_for_and_no_two_alike(raw):
    assert len(raw) == EVENTS
    assert len(set(raw)) == EVENTS


@pytest.mark.parametrize("events", [0, 1, 7, 300])
def test_any_number_over_any_span(events):
    assert len(list(traffic.history(0.001, events, 1, END))) == events


def test_the_same_seed_makes_the_same_bytes_and_another_does_not(raw):
    again = traffic.history(30, EVENTS, 7, END, "Asia/Shanghai")
    assert list(islice(again, 500)) == raw[:500]
    assert list(traffic.history(30, 500, 8, END)) != list(traffic.history(30, 500, 7, END))


def keys(value):
    """Key names in order, to every depth but that of the response headers, whose names vary."""
    if not isinstance(value, dict):
        return None
    return [(name, None if name == "response_headers" else keys(inner)) for name, inner in value.items()]


def test_keys_come_in_the_captured_order_and_only_optional_ones_are_absent(made, records):
    everything = max((keys(msgspec.json.decode(record)) for record in records), key=len)
    ours = []
    for record in made:
        if (order := keys(record)) not in ours:
            ours.append(order)
    optional = {"access_token_sha256", "response_headers", "response_service_tier"}
    for order in ours:
        absent = {name for name, _ in everything} - {name for name, _ in order}
        assert absent <= optional
        assert order == [part for part in everything if part[0] not in absent]
    assert len(ours) >= 5


def test_values_have_the_captured_types(made, records):
    def types(record):
        return {name: type(value) for name, value in record.items()}

    captured = {}
    for record in records:
        captured |= types(msgspec.json.decode(record))
    assert all(captured[name] is kind for record in made for name, kind in types(record).items())


def test_records_are_escaped_as_go_escapes(raw):
    joined = b"\n".join(raw)
    assert not re.search(rb"[<>&]", joined)
    assert "\u2028".encode() not in joined
    assert all(escape in joined for escape in (rb"\u003cb\u003e", rb"R\u0026D", rb"\u2028", "团队".encode()))
    assert b" :" not in joined
    assert all(record == record.strip() for record in raw)


def test_timestamps_are_cpa_s(made):
    form = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?\+08:00")
    assert all(form.fullmatch(record["timestamp"]) for record in made)
    assert any(len(record["timestamp"]) < 35 for record in made)


def test_records_come_in_order_of_completion_within_the_span(made):
    times = [ended(record) for record in made]
    slack = timedelta(milliseconds=2)
    assert all(later >= earlier - slack for earlier, later in pairwise(times))
    assert END - timedelta(days=30) <= times[0] + slack
    assert times[-1] <= END
    starts = [record["timestamp"] for record in made]
    assert starts != sorted(starts)


def counted(record):
    """(input, output, total) that `tokens` should show, from the disjoint classes of the breakdown."""
    given, output = record["token_breakdown"]["input"], record["token_breakdown"]["output"]
    fresh = given["total_tokens"]
    answer = output["total_tokens"]
    if record["executor_type"] == "ClaudeExecutor":
        return given["uncached_tokens"], answer, fresh + answer
    if record["executor_type"] in GEMINI:
        return fresh, output["non_reasoning_tokens"], fresh + answer
    return fresh, answer, fresh + answer


def test_complete_breakdowns_add_up_and_agree_with_tokens_by_the_executor_s_rule(made):
    for record in made:
        tokens, parts = record["tokens"], record["token_breakdown"]
        if parts["quality"] != "complete":
            continue
        given, output = parts["input"], parts["output"]
        read, write = given["cache_read_tokens"], given["cache_write_tokens"]
        assert given["total_tokens"] == given["uncached_tokens"] + read + write
        assert output["total_tokens"] == output["non_reasoning_tokens"] + output["reasoning_tokens"]
        assert parts["unclassified_tokens"] == 0
        assert (tokens["input_tokens"], tokens["output_tokens"], tokens["total_tokens"]) == counted(record)
        assert parts["total_tokens"] == tokens["total_tokens"]
        assert (tokens["cache_read_tokens"], tokens["cache_creation_tokens"]) == (read, write)
        assert tokens["reasoning_tokens"] == output["reasoning_tokens"]
        cached = (read or write) if record["executor_type"] == "ClaudeExecutor" else read
        assert tokens["cached_tokens"] == cached


def test_usage_that_does_not_add_up_is_left_unclassified(made):
    odd = [record for record in made if record["token_breakdown"]["quality"] != "complete"]
    assert {record["token_breakdown"]["quality"] for record in odd} == {"unclassified", "inconsistent"}
    for record in odd:
        parts, tokens = record["token_breakdown"], record["tokens"]
        assert parts["unclassified_tokens"] == parts["total_tokens"] == tokens["total_tokens"]
        assert parts["input"]["total_tokens"] == parts["output"]["total_tokens"] == 0
        whole = parts["quality"] == "unclassified"
        assert (tokens["input_tokens"] == 0) is whole
        assert whole or tokens["total_tokens"] == tokens["input_tokens"] + tokens["output_tokens"] + 1000


def test_failures_have_no_tokens_and_the_known_statuses(made):
    failed = [record for record in made if record["failed"]]
    assert 0.02 < len(failed) / EVENTS < 0.08
    assert all(record["tokens"]["total_tokens"] == 0 for record in failed)
    assert all(record["fail"] == {"status_code": 200, "body": ""} for record in made if not record["failed"])
    assert {record["fail"]["status_code"] for record in failed} == {200, 400, 401, 408, 429, 499, 500, 502, 529}
    assert all(record["fail"]["body"] for record in failed)
    assert all(record["executor_type"] == "ClaudeExecutor" for record in failed if record["fail"]["status_code"] == 529)
    assert all(record["executor_type"] == "CodexExecutor" for record in failed if record["fail"]["status_code"] == 408)


def labels_of(record):
    names = ("provider", "model", "alias", "source", "api_key", "endpoint", "reasoning_effort", "failed")
    return tuple(record[name] for name in names)


def test_label_sets_stay_at_some_hundreds(made):
    assert 300 <= len({labels_of(record) for record in made}) <= 800
    assert len({record["model"] for record in made}) >= 20
    assert len({record["api_key"] for record in made}) == 8


def test_what_records_refer_to_is_in_the_catalogue(made):
    catalog = Catalog.default()
    accounts = {file["auth_index"]: file["email"] for file in catalog.auth_files}
    accounts |= {index: key for *_, key, index in catalog.credentials()}
    assert all(accounts[record["auth_index"]] == record["source"] for record in made)
    assert {record["api_key"] for record in made} == set(catalog.api_keys)
    listed = {model["id"] for model in catalog.models}
    assert {record["alias"].partition("(")[0] for record in made} <= listed
    assert {record["model"] for record in made} <= listed
    disabled = {file["auth_index"] for file in catalog.auth_files if file["disabled"]}
    assert not disabled & {record["auth_index"] for record in made}


def test_live_records_are_stamped_now_and_paced():
    slept, instant = [], [1_800_000_000 * NANOSECONDS]

    def sleep(seconds):
        slept.append(seconds)
        instant[0] += int(seconds * NANOSECONDS)

    made = []
    for raw in islice(traffic.live(4.0, 3, "UTC", sleep, lambda: instant[0]), 2000):
        record = msgspec.json.decode(raw)
        made.append(raw)
        assert abs(ended(record).timestamp() - instant[0] / NANOSECONDS) < 60
    assert len(set(made)) == 2000
    assert 450 < sum(slept) < 550


def test_live_records_end_when_the_sleep_says_so():
    assert list(traffic.live(1.0, 3, sleep=lambda seconds: True)) == []


@pytest.mark.parametrize(
    ("zone", "instant", "stamp", "date"),
    [
        ("UTC", 0, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
        (
            "Asia/Shanghai",
            1_795_492_602_952_429_245,
            "2026-11-24T11:56:42.952429245+08:00",
            "Tue, 24 Nov 2026 03:56:42 GMT",
        ),
        (
            "America/New_York",
            1_795_492_602_720_000_000,
            "2026-11-23T22:56:42.72-05:00",
            "Tue, 24 Nov 2026 03:56:42 GMT",
        ),
        ("Asia/Kathmandu", 1_795_492_600_000_000_000, "2026-11-24T09:41:40+05:45", "Tue, 24 Nov 2026 03:56:40 GMT"),
        (
            "Europe/Berlin",
            1_792_889_999_000_000_001,
            "2026-10-25T02:59:59.000000001+02:00",
            "Sun, 25 Oct 2026 00:59:59 GMT",
        ),
        (
            "Europe/Berlin",
            1_792_890_000_000_000_010,
            "2026-10-25T02:00:00.00000001+01:00",
            "Sun, 25 Oct 2026 01:00:00 GMT",
        ),
    ],
)
def test_instants_are_written_as_go_writes_them(zone, instant, stamp, date):
    assert Clock(zone).stamps(instant) == (stamp, date)


def test_texts_are_quoted_as_go_quotes_them():
    assert go_json('<a href="x">&\u2028\u2029\n团') == '"\\u003ca href=\\"x\\"\\u003e\\u0026\\u2028\\u2029\\n团"'
