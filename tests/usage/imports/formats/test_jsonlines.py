"""Exports of a line a request."""

import csv
import gzip
import json
from operator import attrgetter

import pytest

from cpa_usage.keys import fingerprint
from pricing.models import Model
from tests.usage.imports.formats.samples import NOW, errors_of, fields, records_of, sample, written
from tests.usage.made import NOON, SECOND, record, stored
from usage.analytics.exports.formats import safe
from usage.analytics.exports.forms import ExportForm
from usage.analytics.exports.tables import event_columns
from usage.imports.formats import open_source
from usage.imports.formats.jsonlines import text_of
from usage.imports.looking import look
from usage.models import Event, Series
from usage.models.labels import OTHER
from usage.query.filters import UsageFilter
from usage.query.forms import checked
from usage.records.record import Malformed, Names, parse
from usage.records.tiers import TIERS
from usage.time.periods import Period

LINES = [record(NOON + second * SECOND, request_id=f"{second:08x}") for second in range(5)]
# A line as CPA-Manager-Plus writes it: usage.Event of its server, without what it leaves out when blank.
PLUS = {
    "request_id": "aabbccdd",
    "event_hash": "0" * 64,
    "timestamp_ms": 1762819200123,
    "timestamp": "2026-11-11T00:00:00.123456789Z",
    "provider": "claude",
    "executor_type": "ClaudeExecutor",
    "model": "team/claude",
    "analytics_model": "claude",
    "requested_model": "team/claude",
    "resolved_model": "claude-sonnet-4-5",
    "endpoint": "POST /v1/messages",
    "method": "POST",
    "path": "/v1/messages",
    "auth_type": "oauth",
    "auth_index": "a1b2",
    "source": "ali***@example.com",
    "source_hash": fingerprint("alice@example.com"),
    "api_key_hash": fingerprint("sk-client"),
    "account_snapshot": "alice@example.com",
    "input_tokens": 92,
    "output_tokens": 210,
    "reasoning_tokens": 0,
    "cached_tokens": 3000,
    "cache_tokens": 0,
    "cache_read_tokens": 3000,
    "cache_creation_tokens": 500,
    "total_tokens": 3802,
    "latency_ms": 900,
    "failed": True,
    "fail_status_code": 429,
    "fail_summary": "slow down",
    "created_at_ms": 1762819200500,
}


def plus(folder, **changed):
    (found,) = records_of(written(folder, json.dumps(PLUS | changed).encode() + b"\n"))
    return found


def test_records_keep_their_bytes_and_so_their_fingerprints(tmp_path):
    for content in (
        b"\n".join(LINES) + b"\n",
        b"\xef\xbb\xbf" + b"\r\n\r\n".join(LINES),
        gzip.compress(b"\n".join(LINES), mtime=0),
    ):
        assert records_of(written(tmp_path, content)) == [parse(line, NOW) for line in LINES]


def test_what_is_behind_a_position_is_read(tmp_path):
    for content in (b"\n".join(LINES), gzip.compress(b"\n".join(LINES))):
        source = open_source(written(tmp_path, content))
        items = list(source.items())
        assert list(source.items(items[1].position)) == items[2:]


def test_lines_that_are_no_record_are_errors_by_themselves(tmp_path):
    bad = [
        b"not json",
        LINES[0].replace(b"ann@", b"\xe4nn@"),
        record(0),
        b'{"timestamp": "", "tokens": {}, "model": ""}',
    ]
    path = written(tmp_path, b"\n".join([b"{", LINES[0], *LINES * 300, *bad]) + b"\n")
    assert errors_of(path) == [
        "It is not JSON.",
        "It is not JSON.",
        "It is not UTF-8.",
        "It does not tell when it happened.",
        "It does not tell when it happened.",
    ]


def test_cues_are_no_records(tmp_path):
    assert records_of(written(tmp_path, LINES[0] + b'\n{"refresh":true}\n'))[1] is None


def test_manager_plus(tmp_path):
    found = plus(tmp_path)
    assert (found.model, found.requested_model, found.endpoint) == (
        "claude-sonnet-4-5",
        "team/claude",
        "POST /v1/messages",
    )
    assert (found.uncached, found.cache_read, found.cache_write_unspecified, found.output) == (92, 3000, 500, 210)
    assert (found.api_key, found.source, found.total) == (fingerprint("sk-client"), "alice@example.com", 3802)
    assert (found.fail_status_code, found.fail_body, found.latency_ms) == (429, "slow down", 900)
    assert found.names == tuple(getattr(found, name) for name in found.__struct_fields__[: len(found.names)])


@pytest.mark.parametrize(
    ("changed", "source", "display"),
    [
        ({"account_snapshot": ""}, "ali***@example.com", "ali***@example.com"),
        ({"account_snapshot": "someone else"}, "ali***@example.com", "ali***@example.com"),
        ({"source_hash": PLUS["api_key_hash"]}, "", ""),
        (
            {"source": "m:sk-a...wxyz", "auth_type": "apikey", "source_hash": fingerprint("sk-abcwxyz")},
            fingerprint("sk-abcwxyz"),
            "sk-a****wxyz",
        ),
    ],
)
def test_accounts_of_manager_plus(tmp_path, changed, source, display):
    found = plus(tmp_path, **changed)
    assert (found.source, found.source_display) == (source, display)


def test_a_line_of_manager_plus_that_lacks_figures_is_an_error(tmp_path):
    broken = [json.dumps(PLUS | changed) for changed in ({}, {"total_tokens": "many"}, {"timestamp": None})]
    assert len(errors_of(written(tmp_path, "\n".join([*broken, "[]", ""]).encode()))) == 3


# --- Our own export -----------------------------------------------------------------------------------------------


def exported(folder, form, **options):
    parts = checked(ExportForm({"format": form} | options)).parts(UsageFilter(Period(None, None)))
    return written(folder, b"".join(parts), f"export.{form}")


# What an export does not tell of these records; of an unbelieved time it tells when it arrived.
UNTOLD = ("client_ip", "x_forwarded_for", "user_agent", "fail_body_length", "claimed", "cache_write_unspecified")


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_of_ours_gives_the_records_that_were_stored(tmp_path, form):
    raw = sample("records.jsonl", tmp_path).read_bytes().splitlines()
    raw += [
        record(
            NOON,
            api_key="",
            failed=True,
            fail={"status_code": 500, "body": "=1+1\n\"quoted\", 'x'"},
            auth_type="apikey",
        ),
        record(NOON, alias="'q", tokens={"cache_creation": 20, "cache_creation_1h": 5, "total": 1000}),
    ]
    stored(*raw, arrived=NOON)
    before = {(r.timestamp, r.fingerprint): r for r in (parse(item, NOON) for item in raw)}
    after = {(r.timestamp, r.fingerprint): r for r in records_of(exported(tmp_path, form))}
    assert len(before) == Event.objects.count()
    assert {key: known(r) for key, r in after.items()} == {key: known(r) for key, r in before.items()}


def known(found):
    caches = found.cache_write + found.cache_write_unspecified
    return fields(found, ("cache_write", *UNTOLD)) | {"caches": caches}


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["jsonl", "csv"])
@pytest.mark.parametrize("executor", ["", "CodexExecutor"])
def test_an_export_of_ours_brings_back_names_and_tiers_as_they_are_stored(tmp_path, form, executor):
    tiers = {"service_tier": "flex", "response_service_tier": "priority"}
    stored(record(NOON, **tiers), record(NOON + SECOND, model="kimi(k2)(high)", alias="mine(1)(high)"), arrived=NOON)
    Model.objects.filter(name="gpt-5").update(name=OTHER)
    folded = Series.objects.filter(requested_model="gpt-5")
    folded.update(provider=OTHER, requested_model=OTHER, executor_type=executor, tier="")
    found = sorted(records_of(exported(tmp_path, form, columns=",".join(event_columns()))), key=attrgetter("timestamp"))
    names = ["provider", "model", "requested_model", "executor_type", "tier"]
    assert [[getattr(each, name) for name in names] for each in found] == [
        [OTHER, OTHER, OTHER, executor, ""],
        ["codex", "kimi(k2)", "mine(1)", "CodexExecutor", ""],
    ]
    assert [dict(zip(Names.__struct_fields__, each.names, strict=True))["model"] for each in found] == [
        OTHER,
        "kimi(k2)",
    ]
    assert records_of(exported(tmp_path, "csv"))[-1].tier  # it has no column of tiers: they are found out again
    folded.update(tier="gold")  # none of ours
    assert records_of(exported(tmp_path, "jsonl"))[-1].tier in TIERS


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_positions_in_an_export_of_ours(tmp_path, form):
    fail = {"status_code": 500, "body": "two\nlines"}
    stored(*(record(NOON + n, failed=True, fail=fail) for n in range(5)), arrived=NOON)
    path = exported(tmp_path, form)
    items = list(open_source(path).items())
    assert len(items) == 5 and items[-1].position == path.stat().st_size
    assert list(open_source(path).items(items[1].position)) == items[2:]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "cell"), [("total_tokens", "many"), ("cost", "nan"), ("event_key", "x-y"), ("latency_ms", "1.5")]
)
def test_a_row_with_a_cell_that_cannot_be_is_an_error(tmp_path, name, cell):
    stored(record(NOON), arrived=NOON)
    lines = exported(tmp_path, "csv").read_bytes().decode("utf-8-sig").splitlines(keepends=True)
    cells = dict(zip(*csv.reader(lines), strict=True))
    path = written(tmp_path, (lines[0] + ",".join((cells | {name: cell}).values()) + "\r\n").encode(), "odd.csv")
    assert errors_of(path) == ["It is no request as this format has them."]
    assert (look(open_source(path)).unread, look(open_source(path)).models) == (1, {})


@pytest.mark.django_db
def test_an_export_that_is_cut_off_is_refused(tmp_path):
    stored(record(NOON), arrived=NOON)
    path = exported(tmp_path, "csv")
    for cut in (2, 30):
        with pytest.raises(Exception, match="The file is cut off"):
            records_of(written(tmp_path, path.read_bytes()[:-cut], "cut.csv"))


def test_an_item_with_an_error_is_no_record(tmp_path):
    (item,) = open_source(written(tmp_path, b'{"timestamp": "", "tokens": 1, "model": 1}\n')).items()
    with pytest.raises(Malformed):
        item.record(NOW)


@pytest.mark.parametrize("text", ["=1", "'=1", "''=1", "'<x", "'", "''", "it's", "\t=1", "-", "plain"])
def test_a_cell_of_our_csv_comes_back_whole(text):
    assert text_of(safe(text)) == text


def test_a_list_in_place_of_an_account_is_no_name(tmp_path):
    odd = PLUS | {"source_hash": ["x"], "auth_type": "apikey"}
    (item,) = open_source(written(tmp_path, f"{json.dumps(odd)}\n".encode())).items()
    with pytest.raises(Malformed, match="A name in it is no text"):
        item.record(NOW)
