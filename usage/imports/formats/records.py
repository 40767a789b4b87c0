"""Records as CPA sends them, made of what a source kept of them: the same facts make the same bytes."""

from msgspec import Struct, ValidationError, convert
from msgspec.json import Encoder

from usage.records.decoding import Breakdown, Count, InputTokens, Item, OutputTokens, TokenCounts, tolerant

encode = Encoder().encode
NESTED = {"tokens", "token_breakdown", "fail", "response_headers", "generate", "accounting_version"}
PLAIN = [name for name in Item.__struct_fields__ if name not in NESTED | {"access_token_sha256"}]
TEXTS = ("source", "auth_index", "provider", "model", "endpoint", "auth_type", "api_key", "request_id")
BLANK = dict.fromkeys(TEXTS, "") | {"latency_ms": 0}


class Sent(Item, omit_defaults=True, gc=False, forbid_unknown_fields=False):
    """The fields of a record; what is not known of it is left out."""


def sent(row: dict, code: int | None = None, body: str | None = None, **more) -> Item:
    """The record of a row: its fields of CPA's names, but for `more` in their place; `code` and `body` of its failure.

    Raises KeyError, TypeError or AttributeError where it has no time, or does not tell whether it failed; Malformed
    for what no record can have.
    """
    told = row if None not in row.values() else {name: value for name, value in row.items() if value is not None}
    fields = BLANK | told | more
    fields["timestamp"], fields["failed"] = row["timestamp"].replace(" ", "T", 1), bool(row["failed"])
    if code or body:
        fields["fail"] = {"status_code": code or 0, "body": body or ""}
    try:
        return convert(fields, Sent)
    except ValidationError:  # as odd as some records of CPA, perhaps
        return tolerant(encode(fields))


class Classes(Struct, array_like=True, gc=False):
    """Tokens in disjoint classes, but for output: that is with reasoning."""

    uncached: Count
    read: Count
    written: Count
    output: Count
    reasoning: Count
    total: Count
    rest: Count


def of_classes(*counts: int) -> dict:
    """CPA's `tokens` and `token_breakdown` of Classes; raises msgspec.ValidationError for what no request can have."""
    uncached, read, written, out, reasoning, total, rest = counts
    convert(counts, Classes)
    into = uncached + read + written
    kinds = InputTokens(into, uncached, read, written), OutputTokens(out, out - reasoning, reasoning)
    return {
        "tokens": TokenCounts(into, out, reasoning, read, total, read, written),
        "token_breakdown": Breakdown(2, "complete", into + out + rest, *kinds, rest),
    }


def counts_of(*counts: int) -> dict:
    """CPA's `tokens` of its own counts: input, output, reasoning, cached, total, cache reads and writes."""
    return dict(zip(TokenCounts.__struct_fields__, counts, strict=False))
