"""Texts from outside that are made to be slow: anyone who may call CPA writes prompts, and so logs, bodies and names.

What reads such a text must do so in a time that grows as the text does: a pattern that looks ahead at each character
would stop everything for hours. Every regular expression of the project is in the table below.
"""

import ast
import gc
import io
import json
import time
from contextlib import suppress

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.exceptions import ParseError

from aliases.forms import ImportForm
from catalog import facts
from catalog.keymemory import rest_after
from catalog.problems import quoted
from catalog.reported import reported
from cpa_usage.http import proxies
from cpa_usage.http.wire import JSONParser
from cpa_usage.keys import is_fingerprint, looks_random
from pricing.catalogue import published
from pricing.catalogue.matching import seller_of, spellings
from pricing.hours import minute_of
from pricing.models.money import CODE_VALIDATORS
from tests import PROJECT
from tests.test_house import sources
from usage.analytics.accounts.quotas import windows
from usage.analytics.events.bodies import spoken
from usage.analytics.events.paging import EVENT_KEY
from usage.imports.formats.detect import LEGACY
from usage.imports.formats.legacy import TOKEN
from usage.models.gaps import _kind
from usage.ops import gaps
from usage.query.filters import request_id_of
from usage.reconcile import bills, cells, formats, naming, sheets
from usage.records.decoding import legible
from usage.records.record import Malformed, limit_headers, parse
from usage.records.secrecy import masked, redact, shown
from usage.records.timestamps import moment
from usage.records.unknown import UnknownFields
from usage.requestlogs.secrets import without_secrets
from usage.requestlogs.sections import sections
from usage.time.periods import is_range, parse_moment

SIZES = [4**n * 1000 for n in range(1, 6)]  # 4 kB to 1 MB: what is quadratic is found before it takes minutes
MOST_GROWTH = 9  # of the time where the text is four times as long: 4 for what is linear, 16 for what is quadratic
UNFELT, MOST = 0.1, 3  # seconds

CONFIGURATION = "It reads what the operator has set."
OURS = "It reads what we have written."
HEADERS = "What it repeats stands behind words that it cannot hold, in the headers of a request, which are limited."
BOUNDED = "Each of its repeats is of a class that ends at a stated number of characters."


def header(name="", value=""):
    """A question to `windows` with a text in a header's name, or in a value."""

    def ask(text):
        windows(
            {f"{name}{text}" if name else "x-ratelimit-reset-tokens": "1" if name else f"{value}{text}", **LIMITS}, 0
        )

    return ask


LIMITS = {"x-ratelimit-limit-tokens": "2", "x-ratelimit-remaining-tokens": "1"}


def sold_by(text):
    seller_of(text, f"https://{text}", published.packaged)


def names(text):
    UnknownFields().add([text])


def unified(text):
    windows({f"anthropic-ratelimit-unified-{text}-utilization": "1"}, 0)


def limit_headers_of(text):
    limit_headers(json.dumps({f"x-codex-{text}": "1", "x-request-id": text, text: [text]}).encode())


def day(text):
    cells.day(text, "UTC")


def parse_raw(text):
    """A record that may be any bytes."""
    parse(text.encode(), 0)


def log(text):
    """A log from CPA's bytes to what is shown of it."""
    for piece in without_secrets([text.encode("utf-8", "surrogatepass")]):
        sections(piece.decode(errors="replace"))


def record(text):
    """A record with a part of the text in each field that may hold any."""
    part = text[: len(text) // 8]
    words = ("source", "provider", "model", "endpoint", "api_key", "alias", "user_agent")
    item = {"timestamp": "", "latency_ms": 1, "tokens": {}, "failed": True} | dict.fromkeys(words, part)
    parse(
        json.dumps(item | {"fail": {"status_code": 500, "body": part}, "response_headers": {part: [part]}}).encode(), 0
    )


def file(text):
    """A provider's file with the text as the name of a column, and in a cell as long as a cell may be."""
    rows = "\n".join(f'2026-11-24,"{text[at : at + 100_000]}",1' for at in range(0, len(text), 100_000))
    sheet = sheets.read(f"date,model,requests\n{rows}".encode())
    bills.bill_of(sheet, formats.chosen({"date": "date", "model": "model", "requests": "requests"}, "", sheet))
    for _, model in {(0, row[1][1]) for row in sheet.rows}:
        naming.identity(model)


# Worst cases as (beginning, what is repeated, end).
WORDS = [
    ("", "a", "!"),
    ("", "1", "!"),
    ("", "a1", "!"),
    ("", "a-", "!"),
    ("", "-", "!"),
    ("", ".", "!"),
    ("", " ", "!"),
]
KEYS = [
    ("", each, "!")
    for each in ("sk-", "sk-a", "-sk-12345", "bearer ", "bearer 1", "eyJ", "eyJa.", "AIza", "ya29.", "+", "=")
]
NAMED = [
    *(("", each, "") for each in ('"source"', '"source":', '"source":[', '"access_token', '"api_key" : "')),
    *(('"source":', each, "}") for each in ("[", '"', " ", "\\", '\\"')),
]
TIMES = [
    *(("2026-11-24", each, "x") for each in (" ", "T", "1", ":", "-")),
    *(("2026-11-24T08:30:00.", each, "x") for each in ("1", " ", "Z")),
    *(("2026-11-24T08:30:00", each, "x") for each in (" ", "+", "Z", "UTC", " UTC")),
]
MODELS = [
    *(
        ("m", each, "x")
        for each in ("-latest", "-thinking", "-thinking-1", "-20260101", "-high", "(", "(a", "(a)", "@", "_")
    ),
    *(("m", each, "") for each in ("-latest", "-thinking-1", "-preview-high", "-20260101", "(a)", "()", "/")),
    *(("gemini 2", each, "x") for each in (" pro", ".1", " claude", "1", " flash-")),
    *(("claude 1", each, "x") for each in ("1", ".1", " opus", " claude")),
]
LOGS = [
    *(
        ("", each, "")
        for each in ("\n", " \n", "=== ", "=== A ===\n", "=== =", "A: b\n", "A: ", "data: ", "\r", "\0", '"', "\\")
    ),
    *(
        ("=== A ===\n", each, "x")
        for each in ("A", "A ", "A: b\n\n", "Headers:\n", "Body:\n", "\r\n", "data: {}\n", "data: []\n")
    ),
    *(("=== ", each, " ==") for each in ("a", " ===", "=== ")),
    *(
        ("=== A ===\n", each, "")
        for each in ("[", '{"a":', '["', "{", "[1,", '{"delta":{"text":5}}', "data: [", 'data: {"delta":')
    ),
    *(("=== A ===\n[", each, "1]") for each in ("1,", "[],", "{},", '"",', "[[[[]]]],", "1.5e3,", '"\\ud800",', "-")),
    ("=== A ===\n" + "[" * 39, "1,", "1" + "]" * 39),
    ('=== A ===\n{"messages":[', '{"role":"user","content":"a"},', "1]}"),
    ('=== A ===\n{"messages":[', '{"content":[{"text":"a"}]},', "1]}"),
    ("=== A ===\n", 'data: {"choices":[{"delta":{"content":"a"}}]}\n', ""),
    ("", "A1b2C3d4", ""),
    ("", "A1b2C3d4 ", ""),
]
SPOKEN = [("", each, "") for each in ('"message"', '"message":', '"message" : "', '\\"')] + [
    ('{"message":"', each, "") for each in ("a", "\\", '\\"')
]
TEXTS = WORDS + KEYS + NAMED
ENDINGS = ("BRACKETS", "THINKING", "EFFORT", "STAMP")
WINDOWS = ("x-codex", "anthropic-ratelimit", "anthropic-ratelimit-unified", "x-ratelimit-limit")

# (what reads the text, its worst cases, the patterns it reads with: each by its file and the name or function that has
# it). What has no pattern of its own splits, decodes or replaces.
TABLE = [
    (lambda text: facts._SECRET.sub("", text), TEXTS, "catalog/facts.py:_SECRET"),
    (
        lambda text: rest_after(text, 0),
        [("", "try again in ", ""), ("try again in ", "1", ""), ("try again in ", "1h1m", "")],
        "catalog/keymemory.py:BAN",
    ),
    (quoted, [*TEXTS, ("", "\n", ""), ("", "ä ", "")], "catalog/problems.py:quoted"),
    (
        reported,
        [*TEXTS, ("CPA answers ", "1 for 2: ", ""), ("", "CPA answers ", ""), ("", "CPA does not answer at a (", "")],
    ),
    (looks_random, WORDS, "cpa_usage/keys.py:_NAME"),
    (
        proxies._BROWSER_HEADERS.fullmatch,
        [("HTTP_ACCEPT", "_A", "!"), ("HTTP_", "IF", "_")],
        "cpa_usage/http/proxies.py:_BROWSER_HEADERS",
    ),
    (
        proxies._LOOPBACK_HOST.fullmatch,
        [("127", ".1", ""), ("localhost:", "1", "")],
        "cpa_usage/http/proxies.py:_LOOPBACK_HOST",
    ),
    (gaps._translated, WORDS, "usage/ops/gaps.py:_translated"),
    (_kind, WORDS, "usage/models/gaps.py:_kind"),
    (is_fingerprint, WORDS, "cpa_usage/keys.py:_FINGERPRINT"),
    (spellings, MODELS + WORDS, *(f"pricing/catalogue/matching.py:{name}" for name in ENDINGS)),
    (sold_by, WORDS, "pricing/catalogue/matching.py:seller_of"),
    (minute_of, [*WORDS, ("1", "1", ":00")], "pricing/hours.py:_CLOCK"),
    (CODE_VALIDATORS[0], [*WORDS, ("", "A", "")], "pricing/models/money.py:CODE_VALIDATORS"),
    (header(), [*WORDS, ("", "1.1", ""), ("", "1ms", "x"), ("1.", "1", "")], "usage/analytics/accounts/quotas.py:PART"),
    *((header(name=f"{name}-"), WORDS, "usage/analytics/accounts/quotas.py:_read_by") for name in WINDOWS),
    (unified, WORDS, "usage/analytics/accounts/quotas.py:_unified"),
    (EVENT_KEY.fullmatch, WORDS, "usage/analytics/events/paging.py:EVENT_KEY"),
    (
        spoken,
        [("{" + before, *case) for before, *case in TEXTS + SPOKEN],
        "usage/analytics/events/bodies.py:TEXT",
    ),
    (
        lambda text: LEGACY.match(text.encode()),
        [*WORDS, *(("{", each, "") for each in ('"usage"', '"usage":', '"usage" ', '"usage":{'))],
        "usage/imports/formats/detect.py:LEGACY",
    ),
    (
        TOKEN.findall,
        [("", each, "") for each in ('"', '"a', "\\", '"\\', "{", '{"', '"a":{')],
        "usage/imports/formats/legacy.py:TOKEN",
    ),
    (request_id_of, WORDS, "usage/query/filters.py:TRACE_ID"),
    (bills.MIDNIGHT.fullmatch, TIMES, "usage/reconcile/bills.py:MIDNIGHT"),
    (bills.SYMBOL.search, [*WORDS, ("", "(", ""), ("", "(A", ")"), ("(", "A", ")")], "usage/reconcile/bills.py:SYMBOL"),
    (
        cells.amount,
        [*WORDS, ("", ",111", "x"), ("1", ",111", ".x"), ("1e", "1", "")],
        "usage/reconcile/cells.py:AMOUNT",
    ),
    (day, TIMES + WORDS, "usage/reconcile/cells.py:EPOCH_SECONDS", "usage/reconcile/cells.py:NAMED_ZONE"),
    (formats.GEMINI.search, MODELS, "usage/reconcile/formats.py:GEMINI"),
    (
        formats.COUNTS_TOKENS.search,
        [("", "toke", ""), ("", "prediction", "")],
        "usage/reconcile/formats.py:COUNTS_TOKENS",
    ),
    (formats.class_of, WORDS, "usage/reconcile/formats.py:class_of"),
    (
        naming.identity,
        MODELS + WORDS,
        *(f"usage/reconcile/naming.py:{name}" for name in ("ENDINGS", "NUMBER", "identity")),
    ),
    (sheets.plain, [*WORDS, ("", "_a", "")], "usage/reconcile/sheets.py:plain"),
    (file, MODELS + [("", each, "") for each in ("\n", ",", ";", ",,\n", '""', "\n,")]),
    (legible, [("", each, "") for each in ("\0", "a\0", "\ud800")], "usage/records/decoding.py:_ILLEGIBLE"),
    (record, TEXTS + MODELS),
    (parse_raw, [("", each, "") for each in ("[", "{", '{"a":', '"', "\\", "{}", "\0", "[[[]]],")]),
    (limit_headers_of, WORDS, "usage/records/record.py:_HEADER_NAME"),
    (
        lambda text: masked(text, ("dev", "a", "a1a1a1a1")),
        TEXTS,
        "usage/records/secrecy.py:_ECHOED",
        "usage/records/secrecy.py:masked",
    ),
    (lambda text: redact(text, "a" * 5000), KEYS),
    (lambda text: shown(text.encode()), TEXTS, "usage/records/secrecy.py:_NAMED"),
    (moment, TIMES, "usage/records/timestamps.py:_ODD"),
    (names, [*WORDS, ("", "a_", "!"), ("a", "_a", "!")], "usage/records/unknown.py:IDENTIFIER"),
    (
        log,
        LOGS + KEYS,
        *(
            f"usage/requestlogs/{name}"
            for name in (
                "secrets.py:_WORD",
                "secrets.py:_DIGIT",
                "sections.py:HEADING",
                "sections.py:HEADER",
                "sections.py:DATA",
            )
        ),
    ),
    (is_range, WORDS, "usage/time/periods.py:_LAST"),
    (lambda text: parse_moment(text, "UTC"), TIMES, "usage/time/periods.py:_MOMENT"),
]
EXEMPT = {
    "usage/collector/watch/counters.py:_AUTH_INDEX": BOUNDED,
    "catalog/cpa.py:Cpa.request_log": BOUNDED,
    "catalog/cpa.py:_size": BOUNDED,
    "cpa_usage/checks.py:base_path_can_be_mounted": CONFIGURATION,
    "usage/ingest/partitions.py:_BOUNDS": "what PostgreSQL itself writes about a partition of ours",
    "cpa_usage/env.py:_LINE": CONFIGURATION,
    "cpa_usage/env.py:_origins": CONFIGURATION,
    "cpa_usage/env.py:_seconds": CONFIGURATION,
    "cpa_usage/http/channel.py:_EXPECTS": HEADERS,
    "cpa_usage/http/channel.py:_LENGTH": HEADERS,
    "cpa_usage/http/openapi.py:Schema.get_operation_id": OURS,
    "cpa_usage/http/openapi.py:add_structs": OURS,
    "cpa_usage/monitoring/requests.py:ID": BOUNDED,
    "catalog/reported.py:PARTS": "It splits our own sentences, when the program starts.",
    "cpa_usage/http/worker.py:_QUICK": "It is tried at the beginning of a request alone, and repeats nothing.",
    "usage/collector/spool.py:NAME": "Names of files, which no system lets be long.",
    "usage/ops/doctor/cpa.py:_version": "CPA's version is cut at 64 characters where it is received.",
}
PRODUCT = ("aliases/", "catalog/", "cpa_usage/", "pricing/", "usage/")
CALLS = {"compile", "sub", "subn", "match", "search", "findall", "split", "fullmatch", "finditer"}


def patterns_in(path):
    """The places in a file that have a regular expression: file and name, or function."""

    def visit(node, place):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            place = (*place, node.name)
        elif isinstance(node, ast.Assign) and not place:
            place = (ast.unparse(node.targets[0]),)
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name == "RegexValidator" or (name.removeprefix("re.") in CALLS and name.startswith("re.")):
                yield f"{path}:{'.'.join(place)}"
        for child in ast.iter_child_nodes(node):
            yield from visit(child, place)

    return set(visit(ast.parse((PROJECT / path).read_text()), ()))


def test_every_pattern_is_in_the_table():
    found = set().union(*(patterns_in(path) for path in sources() if path.startswith(PRODUCT)))
    tried = {pattern for _, _, *patterns in TABLE for pattern in patterns}
    assert found - tried - EXEMPT.keys() == set()
    assert tried <= found - EXEMPT.keys()


JSON_READERS = {
    "record": (lambda raw: parse(b'{"response_headers":' + raw + b"}", 0), Malformed),
    "headers": (limit_headers, ()),
    "reply": (facts.auth_files, facts.UnexpectedReply),
    "catalogue": (published.read, published.Useless),
    "body": (lambda raw: JSONParser().parse(io.BytesIO(raw)), ParseError),
    "names": (lambda raw: ImportForm({"mode": "merge"}, {"file": SimpleUploadedFile("a.json", raw)}).is_valid(), ()),
}


@pytest.mark.parametrize(("read", "refusal"), JSON_READERS.values(), ids=JSON_READERS)
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_json_of_any_depth_is_read_or_refused_by_its_reader(read, refusal, opening, closing):
    for depth in (*range(880, 1010), 100_000):  # about as deep as Python reads, and far beyond
        with suppress(*((refusal,) if refusal else ())):
            read(opening * depth + b"1" + closing * depth)


@pytest.fixture(scope="module")
def frozen():
    """What was loaded before is left alone by garbage collection, as in the web server."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def seconds(read, text):
    """Of this thread alone."""
    start = time.thread_time()
    with suppress(ValueError, ValidationError, Malformed):
        read(text)
    return time.thread_time() - start


def grows_too_much(read, beginning, unit, end):
    """(size, seconds) from which on a text takes too long, None for none; it is seen before it takes hours."""
    before = MOST
    for size in SIZES:
        text = f"{beginning}{unit * (size // len(unit))}{end}"
        most = min(MOST, max(MOST_GROWTH * before, UNFELT))
        now = seconds(read, text)
        if now > most and (now := min(seconds(read, text) for _ in range(3))) > most:  # something else may be at work
            return size, now
        before = now
    return None


@pytest.mark.django_db
@pytest.mark.sqlite
@pytest.mark.usefixtures("frozen")
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[2] if len(row) > 2 else row[0].__name__)
def test_the_worst_text_of_a_megabyte_takes_as_much_longer_as_it_is(row):
    read, cases, *_ = row
    for case in cases:
        assert grows_too_much(read, *case) is None, case
