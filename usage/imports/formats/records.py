"""Records as CPA sends them, made of what a source kept of them: the same facts make the same bytes."""

from msgspec.json import Encoder

from usage.records.decoding import Breakdown, Fail, InputTokens, Item, OutputTokens, TokenCounts

encode = Encoder().encode
NESTED = {"tokens", "token_breakdown", "fail", "response_headers", "generate", "accounting_version"}
PLAIN = [name for name in Item.__struct_fields__ if name not in NESTED | {"access_token_sha256"}]
TEXTS = ("source", "auth_index", "provider", "model", "endpoint", "auth_type", "api_key", "request_id")
BLANK = dict.fromkeys(TEXTS, "") | {"latency_ms": 0}


class Sent(Item, omit_defaults=True, gc=False):
    """The fields of a record; what is not known of it is left out."""


def sent(row: dict, code: int | None = None, body: str | None = None, **more) -> bytes:
    """The record of a row: its fields of CPA's names, but for `more` in their place; `code` and `body` of its failure.

    Raises KeyError, TypeError or AttributeError where it has no time, or does not tell whether it failed.
    """
    plain = {name: row[name] for name in PLAIN if row.get(name) is not None}
    plain["timestamp"], plain["failed"] = row["timestamp"].replace(" ", "T", 1), bool(row["failed"])
    fail = Fail(code or 0, body or "") if code or body else None
    return encode(Sent(**(BLANK | plain | more), fail=fail))


def tokens_of(  # noqa: PLR0917  the fields of TokenCounts
    into: int, out: int, reasoning: int, total: int, read: int, written: int, cached: int | None = None
) -> TokenCounts:
    """CPA's `tokens`: what input and output include is for the reader of the record to know, by its executor."""
    return TokenCounts(into, out, reasoning, read if cached is None else cached, total, read, written)


def breakdown_of(  # noqa: PLR0917  the classes
    uncached: int, read: int, written: int, out: int, reasoning: int, rest: int
) -> Breakdown:
    """CPA's `token_breakdown` of tokens in disjoint classes, but for output: that is with reasoning."""
    into = InputTokens(uncached + read + written, uncached, read, written)
    output = OutputTokens(out, out - reasoning, reasoning)
    return Breakdown(2, "complete", into.total_tokens + out + rest, into, output, rest)
