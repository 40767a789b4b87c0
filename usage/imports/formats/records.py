"""Makes records as CPA sends them from what a source kept of them; the same facts give the same bytes."""

from msgspec import Struct, ValidationError, convert, defstruct, structs
from msgspec.json import Encoder

from usage.records.decoding import Breakdown, Count, Fail, InputTokens, Item, OutputTokens, TokenCounts, tolerant

encode = Encoder().encode
TEXTS = ("source", "auth_index", "provider", "model", "endpoint", "auth_type", "api_key", "request_id")
BLANK = dict.fromkeys(TEXTS, "") | {"latency_ms": 0}


class Sent(Item, omit_defaults=True, gc=False, forbid_unknown_fields=False):
    """The fields of a record; what is not known of it is left out."""


FIELDS = Sent.__struct_fields__[: Sent.__struct_fields__.index("generate")]  # what a source may have


def _list_of(kind):
    """A converter of tuples of the fields of a struct."""
    return defstruct(kind.__name__, [(each.name, each.type) for each in structs.fields(kind)], array_like=True)


_LISTS = {kind: _list_of(kind) for kind in (Sent, TokenCounts, Fail)}


def checked(record: Sent) -> Item:
    """A record whose fields, and counts of tokens without a breakdown, may be of any type and size.

    Raises Malformed for what no record can have.
    """
    try:
        for part in (record, record.fail, record.tokens if record.token_breakdown is None else None):
            if part is not None:
                convert(structs.astuple(part), _LISTS[type(part)])
    except ValidationError:  # as odd as some records of CPA, perhaps
        return tolerant(encode(record))
    return record


def failure(code: int | None, body: str | None) -> Fail | None:
    """The field `fail` of a record."""
    return Fail(code or 0, body or "") if code or body else None


def sent(row: dict, code: int | None = None, body: str | None = None, **more) -> Item:
    """The record of a row: its fields of CPA's names, but for `more` in their place; `code` and `body` of its failure.

    Raises KeyError, TypeError or AttributeError where it has no time, or does not tell whether it failed; Malformed
    for what no record can have.
    """
    known = row if None not in row.values() else {name: value for name, value in row.items() if value is not None}
    fields = BLANK | known | more
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


def of_classes(*counts: int) -> tuple[TokenCounts, Breakdown]:
    """CPA's `tokens` and `token_breakdown` of Classes; raises msgspec.ValidationError for what no request can have."""
    uncached, read, written, out, reasoning, total, rest = counts
    convert(counts, Classes)
    into = uncached + read + written
    kinds = InputTokens(into, uncached, read, written), OutputTokens(out, out - reasoning, reasoning)
    tokens = TokenCounts(into, out, reasoning, read, total, read, written)
    return tokens, Breakdown(2, "complete", into + out + rest, *kinds, rest)


def counts_of(*counts: int) -> dict:
    """CPA's `tokens` of its own counts: input, output, reasoning, cached, total, cache reads and writes."""
    return dict(zip(TokenCounts.__struct_fields__, counts, strict=False))
