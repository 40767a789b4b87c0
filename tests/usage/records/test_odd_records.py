"""Records that CPA does not send: what still says something is read, what cannot be is Malformed, nothing else."""

import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import FIXTURES
from usage.records.decoding import UNREAD, Item, tolerant
from usage.records.record import Malformed, Record, limit_headers, parse

CAPTURED = FIXTURES.joinpath("cpa/records.jsonl").read_bytes().splitlines()
SHORT = [raw for raw in CAPTURED if len(raw) < 5000]
ARRIVED = 1_795_500_000_000_000  # 2026-11-24T06:00:00Z
RECORD = json.loads(CAPTURED[0])
anything = settings(deadline=None, max_examples=200)


def read(record):
    return parse(json.dumps(record).encode(), ARRIVED)


def fields_of(record):
    """Everything but what differs with the spelling."""
    names = set(Record.__struct_fields__) - {"fingerprint", "response_headers"}
    return {name: getattr(record, name) for name in names}


def spelt(value, spell):
    """The same JSON with every key spelt otherwise."""
    return {spell(key): spelt(item, spell) for key, item in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("spell", [str.upper, str.title, str.swapcase, lambda key: f" {key} "])
def test_keys_in_other_letters(spell):
    for raw in SHORT:
        record = read(spelt(json.loads(raw), spell))
        assert fields_of(record) == fields_of(parse(raw, ARRIVED))
        assert limit_headers(record.response_headers) == limit_headers(parse(raw, ARRIVED).response_headers)


@pytest.mark.parametrize("name", [name for name in RECORD if name in Item.__struct_fields__])
def test_one_key_in_other_letters(name):
    odd = {key.upper() if key == name else key: value for key, value in RECORD.items()}
    record = read(odd)
    assert fields_of(record) == fields_of(read(RECORD))
    assert limit_headers(record.response_headers) == limit_headers(read(RECORD).response_headers)


@pytest.mark.parametrize("raw", SHORT[::10])
def test_both_decoders_read_the_same(raw):
    quick, slow = msgspec.json.decode(raw, type=Item), tolerant(raw)
    for name in Item.__struct_fields__:
        if name not in ("response_headers", "token_breakdown", *UNREAD):
            assert (getattr(quick, name) or "") == (getattr(slow, name) or "")
    assert quick.token_breakdown == slow.token_breakdown


@pytest.mark.parametrize("name", [*RECORD, "response_service_tier", "request_service_tier"])
def test_null_is_absent(name):
    without = {key: value for key, value in RECORD.items() if key != name}
    assert fields_of(read(without | {name: None})) == fields_of(read(without))


@pytest.mark.parametrize("name", RECORD["tokens"])
def test_null_and_absent_figures_are_none(name):
    bare = {key: value for key, value in RECORD.items() if key != "token_breakdown"}
    others = {key: value for key, value in RECORD["tokens"].items() if key != name}
    assert fields_of(read(bare | {"tokens": others})) == fields_of(read(bare | {"tokens": others | {name: None}}))


def test_figures_written_as_floats_and_negative_ones():
    odd = RECORD | {"latency_ms": 12.0, "ttft_ms": -5, "token_breakdown": None}
    record = read(odd | {"tokens": {"input_tokens": 1.2e3, "output_tokens": -1, "total_tokens": 1200}})
    assert (record.latency_ms, record.ttft_ms, record.uncached, record.output, record.total) == (12, 0, 1200, 0, 1200)


def test_a_negative_breakdown_does_not_hold():
    odd = json.loads(json.dumps(RECORD))
    odd["token_breakdown"]["input"].update(uncached_tokens=1202, cache_write_tokens=-801)
    assert read(odd).uncached == 401


def test_bytes_that_are_no_utf_8_and_characters_no_database_takes():
    raw = CAPTURED[0].replace(b"python-httpx", b"\xffpython\\u0000\\ud800").replace(b"a07802d8", b"a\\u00000")
    record = parse(raw, ARRIVED)
    assert (record.user_agent, record.request_id) == ("\ufffdpython\ufffd\ufffd/0.28.1", "a\ufffd0")


@pytest.mark.parametrize("name", ["model", "alias", "provider", "request_id", "user_agent", "service_tier", "endpoint"])
def test_nul_alone_is_replaced_too(name):
    assert "\x00" not in repr(fields_of(read(RECORD | {name: "a\x00b"}))).replace("\\x00", "\x00")


def test_a_byte_order_mark_and_control_characters():
    assert parse(b"\xef\xbb\xbf" + CAPTURED[0], ARRIVED).total == 1551
    assert parse(CAPTURED[0].replace(b"python-httpx", b"a\tb"), ARRIVED).user_agent == "a\tb/0.28.1"


def test_a_breakdown_of_another_schema_may_have_any_shape():
    record = read(RECORD | {"token_breakdown": {"schema_version": 3, "input": [], "total_tokens": "many"}})
    assert (record.uncached, record.cache_read, record.output, record.reasoning) == (401, 800, 230, 120)


def test_unknown_fields_are_welcome():
    assert fields_of(read(RECORD | {"new": {"deep": [1, None]}})) == fields_of(read(RECORD))


@pytest.mark.parametrize("timestamp", [None, "", "  "])
def test_without_a_timestamp_it_happened_when_it_arrived(timestamp):
    record = read(RECORD | {"timestamp": timestamp})
    assert (record.timestamp, record.claimed) == (ARRIVED, None)


def test_a_time_not_believed_is_kept_beside_the_arrival():
    record = read(RECORD | {"timestamp": "0001-01-01T00:00:00Z"})
    assert (record.timestamp, record.claimed) == (ARRIVED, -62_135_596_800_000_000)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"timestamp": "yesterday"}, "The field timestamp is no time."),
        ({"timestamp": 1795500000}, "The field timestamp is not a text."),
        ({"latency_ms": "12"}, "The field latency_ms is not a whole number."),
        ({"latency_ms": 12.5}, "The field latency_ms is not a whole number."),
        ({"latency_ms": True}, "The field latency_ms is not a whole number."),
        ({"latency_ms": float("nan")}, "The field latency_ms is not a whole number."),
        ({"latency_ms": 10**9 + 1}, "The field latency_ms is larger than any real figure."),
        ({"ttft_ms": 1e300}, "The field ttft_ms is larger than any real figure."),
        ({"tokens": {"input_tokens": 10**30}}, "The field tokens.input_tokens is larger than any real figure."),
        ({"tokens": {"Total_Tokens": "5"}}, "The field tokens.total_tokens is not a whole number."),
        ({"tokens": [5]}, "tokens is not a JSON object."),
        ({"tokens": "none"}, "tokens is not a JSON object."),
        ({"token_breakdown": 7}, "token_breakdown is not a JSON object."),
        ({"fail": "boom"}, "fail is not a JSON object."),
        ({"fail": {"status_code": "500"}}, "The field fail.status_code is not a whole number."),
        ({"fail": {"body": {"error": "x"}}}, "The field fail.body is not a text."),
        ({"failed": "true"}, "The field failed is neither true nor false."),
        ({"failed": 1}, "The field failed is neither true nor false."),
        ({"model": 5}, "The field model is not a text."),
        ({"alias": ["a"]}, "The field alias is not a text."),
        ({"api_key": {"key": "sk-1"}}, "The field api_key is not a text."),
    ],
)
def test_impossible_types_and_figures(change, reason):
    with pytest.raises(Malformed) as caught:
        read(RECORD | change)
    assert str(caught.value) == reason


def test_an_impossible_figure_deep_in_the_breakdown():
    odd = json.loads(json.dumps(RECORD))
    odd["token_breakdown"]["output"]["reasoning_tokens"] = 10**10
    with pytest.raises(Malformed, match=r"^The field token_breakdown\.output\.reasoning_tokens is larger"):
        read(odd)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "It is not JSON."),
        (b"garbage", "It is not JSON."),
        (CAPTURED[0][:-1], "It is not JSON."),
        (CAPTURED[0] * 2, "It is not JSON."),
        (b'{"latency_ms":' + b"9" * 5000 + b"}", "It is not JSON."),
        (b'{"latency_ms":1e400}', "The field latency_ms is not a whole number."),
        (b"null", "It is not a JSON object."),
        (b"[]", "It is not a JSON object."),
        (b'"text"', "It is not a JSON object."),
        (b"7", "It is not a JSON object."),
        (b"[" * 100_000, "It is nested too deeply."),
        (b'{"a":' * 100_000, "It is nested too deeply."),
        (CAPTURED[0][:-1] + b',"x":' + b"[" * 99_999 + b"]" * 99_999 + b"}", "It is nested too deeply."),
        (
            CAPTURED[0].replace(b'"response_headers":{', b'"response_headers":{"a":' + b"[" * 9999),
            "It is nested too deeply.",
        ),
        (bytes(range(256)) * 40_000, "It is not JSON."),
    ],
)
def test_what_is_no_json_object(raw, reason):
    with pytest.raises(Malformed) as caught:
        parse(raw, ARRIVED)
    assert str(caught.value) == reason


def test_a_reason_quotes_nothing_and_leads_to_nothing_that_does():
    with pytest.raises(Malformed) as caught:
        parse(b'{"api_key":"sk-secret","model":"\xff","failed":"sk-secret"', ARRIVED)
    assert caught.value.__suppress_context__
    assert caught.value.args == ("It is not JSON.",)


def check(raw):
    """A record that a database can hold, a cue, or Malformed: nothing else may come of any bytes."""
    with suppress(Malformed):
        record = parse(raw, ARRIVED)
        if record is not None:
            limit_headers(record.response_headers)
            for name, value in fields_of(record).items():
                if isinstance(value, str):
                    assert "\x00" not in value.encode().decode(), name
                elif isinstance(value, int) and name not in ("timestamp", "claimed", "arrived"):
                    assert 0 <= value <= 10**9 or name == "fail_body_length"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**30) | st.just("\ud800\x00"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(list(RECORD)) | st.text(), inner),
    max_leaves=8,
)


@anything
@given(st.binary())
def test_random_bytes(raw):
    check(raw)


@anything
@given(values)
def test_random_json(value):
    check(json.dumps(value).encode())


@anything
@given(st.sampled_from(SHORT), st.sampled_from([*RECORD, "response_service_tier"]), values)
def test_a_captured_record_with_one_field_replaced(raw, name, value):
    check(json.dumps(json.loads(raw) | {name: value}).encode())


@anything
@given(st.sampled_from(SHORT), st.sampled_from(["tokens", "fail", "token_breakdown"]), st.data())
def test_a_captured_record_with_an_inner_field_replaced(raw, outer, data):
    record = json.loads(raw)
    record[outer][data.draw(st.sampled_from(list(record[outer])))] = data.draw(values)
    check(json.dumps(record).encode())


@anything
@given(st.sampled_from(SHORT), st.data())
def test_a_captured_record_with_bytes_overwritten(raw, data):
    at = data.draw(st.integers(0, len(raw) - 1))
    check(raw[:at] + data.draw(st.binary(max_size=9)) + raw[at + data.draw(st.integers(0, 9)) :])
