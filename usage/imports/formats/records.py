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
    plain = {name: value for name in PLAIN if (value := row.get(name)) is not None}
    plain["timestamp"], plain["failed"] = row["timestamp"].replace(" ", "T", 1), bool(row["failed"])
    fail = Fail(code or 0, body or "") if code or body else None
    return encode(Sent(**(BLANK | plain | more), fail=fail))


def of_classes(  # noqa: PLR0917  the classes
    uncached: int, read: int, written: int, out: int, reasoning: int, total: int, rest: int
) -> dict:
    """CPA's `tokens` and `token_breakdown` of tokens in disjoint classes, but for output: that is with reasoning."""
    into = uncached + read + written
    kinds = InputTokens(into, uncached, read, written), OutputTokens(out, out - reasoning, reasoning)
    return {
        "tokens": TokenCounts(into, out, reasoning, read, total, read, written),
        "token_breakdown": Breakdown(2, "complete", into + out + rest, *kinds, rest),
    }
