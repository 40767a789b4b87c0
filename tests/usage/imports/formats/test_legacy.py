"""CPA's usage export."""

import json
import tracemalloc
from itertools import pairwise

import pytest

from cpa_usage.keys import fingerprint
from tests.usage.imports.formats.samples import FOLDER, errors_of, records_of, written
from usage.imports.formats import Refused, open_source, text

EXPORT = FOLDER / "legacy-export.json"
DETAIL = {
    "timestamp": "2026-11-11T08:00:00.123456789+08:00",
    "latency_ms": 1200,
    "source": "alice@example.com",
    "auth_index": "aaaa",
    "tokens": {"input_tokens": 100, "output_tokens": 20, "cached_tokens": 30, "total_tokens": 120},
    "failed": False,
}


def export(folder, apis, **dumps):
    usage = {"total_requests": 1, "apis": apis, "requests_by_day": {"2026-11-11": 1}}
    return written(folder, json.dumps({"version": 1, "usage": usage}, **dumps).encode())


def under(key, model="m", detail=None):
    return {key: {"total_tokens": 7, "models": {model: {"details": [detail or DETAIL]}}}}


def test_details_become_records():
    items = list(open_source(EXPORT).items())
    assert [item.error for item in items[:3] + items[4:]] == [None] * 4
    first, second, failed, bare = (item.record(2 * 10**15) for item in items[:3] + items[4:])
    assert first == second  # equal details are one request: they have the same bytes, and so the same fingerprint
    assert (first.model, first.api_key, first.latency_ms) == ("gpt-5", fingerprint("sk-lab-import"), 1200)
    assert (first.uncached, first.cache_read, first.output, first.total) == (70, 30, 20, 120)
    assert (failed.failed, failed.uncached, bare.api_key) == (True, 71, "")


def test_a_detail_without_time_is_an_error():
    assert errors_of(EXPORT) == ["It does not tell when it happened."]


@pytest.mark.parametrize("dumps", [{}, {"indent": 1}, {"separators": (",", ":")}])
def test_the_same_detail_has_the_same_bytes_however_the_document_is_laid_out(tmp_path, dumps):
    (item,) = open_source(export(tmp_path, under("k"), **dumps)).items()
    (other,) = open_source(export(tmp_path, under("k"))).items()
    assert item.raw == other.raw


@pytest.mark.parametrize("size", [1, 7, 100])
def test_places_in_the_file_do_not_depend_on_blocks(tmp_path, monkeypatch, size):
    apis = {f"sk-“{n}”": under("")[""] | {"models": {'m "\\é': {"details": [DETAIL] * n}}} for n in range(4)}
    path = export(tmp_path, apis, ensure_ascii=False)
    whole = list(open_source(path).items())
    monkeypatch.setattr(text, "BLOCK", size)
    source = open_source(path)
    assert list(source.items()) == whole and len(whole) == 6
    assert list(source.items(whole[2].position)) == whole[3:]
    assert [path.read_bytes()[position - 1 : position] for position, *_ in whole] == [b"}"] * 6
    assert {record.model for record in records_of(path)} == {'m "\\é'}
    assert all(before.position < after.position for before, after in pairwise(whole))


@pytest.mark.parametrize(
    ("name", "endpoint", "key"),
    [
        ("POST /v1/messages", "POST /v1/messages", ""),
        ("unknown", "", ""),
        ("", "", ""),
        (" sk-blanks ", "", fingerprint("sk-blanks")),
        ("my key /x", "", fingerprint("my key /x")),
    ],
)
def test_a_route_in_place_of_a_key_is_no_key(tmp_path, name, endpoint, key):
    (record,) = records_of(export(tmp_path, under(name)))
    assert (record.endpoint, record.api_key) == (endpoint, key)


def test_details_of_later_versions_have_a_request_id_and_a_failure(tmp_path):
    detail = DETAIL | {"request_id": "aabbccdd", "failed": True, "status_code": 429, "error_message": "slow down"}
    (record,) = records_of(export(tmp_path, under("k", detail=detail)))
    assert (record.request_id, record.fail_status_code, record.fail_body) == ("aabbccdd", 429, "slow down")


def test_other_shapes_in_it_are_passed_over(tmp_path):
    odd = {"a": None, "b": {"models": None}, "c": {"models": {"m": {"details": None}}}, "d": [[{"details": [1]}]]}
    assert records_of(export(tmp_path, odd)) == []
    assert errors_of(export(tmp_path, under("k", detail={"timestamp": 1}))) == [
        "It is no request as this format has them."
    ]


@pytest.mark.parametrize("name", [b'"\\q"', b'"\xff"', b'"\\ud800"'])
def test_a_name_that_cannot_be_read_is_an_error_of_its_details(tmp_path, name):
    content = export(tmp_path, under("padding" * 10_000) | under("KEY")).read_bytes().replace(b'"KEY"', name)
    assert errors_of(written(tmp_path, content)) == ["It is no request as this format has them."]


def test_a_byte_order_mark_before_it_is_no_part_of_it(tmp_path):
    content = export(tmp_path, under("k")).read_bytes()
    assert len(records_of(written(tmp_path, b"\xef\xbb\xbf" + content))) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1] + b"]",
        lambda text: text + b"xx",
        lambda text: text + b" {}",
        lambda text: text + b' "xx"',
        lambda text: text.replace(b"}", b"]", 1),
        lambda text: text[:-20] + b"[" * 70 + b"]" * 70 + text[-20:],
        lambda text: text[:60] + b"[" * 40_000_000,
    ],
)
def test_brackets_that_do_not_fit_are_refused_in_little_memory(tmp_path, spoil):
    path = written(tmp_path, spoil(export(tmp_path, under("k")).read_bytes()))
    tracemalloc.start()
    with pytest.raises(Refused, match="cut off or damaged"):
        records_of(path)
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()
