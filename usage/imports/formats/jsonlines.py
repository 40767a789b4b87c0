"""Exports with one request a line: records as CPA sends them, CPA-Manager-Plus's, and ours, also as CSV."""

import csv
from codecs import BOM_UTF8
from collections.abc import Iterator
from operator import attrgetter
from typing import Annotated

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import DecodeError, Meta, convert
from msgspec.json import Decoder, decode

from cpa_usage.keys import MASK, fingerprint, is_fingerprint
from usage.analytics.exports.formats import safe
from usage.imports.formats.records import Sent, counts_of, encode, of_classes, sent
from usage.imports.formats.source import Item, Refused, Source
from usage.imports.formats.text import TextFile
from usage.records.decoding import Count, Fail, Malformed, TokenCounts
from usage.records.tiers import TIERS

LABEL = 255
COUNTS = [f"{name}_tokens" for name in ("input", "output", "reasoning", "total", "cache_read", "cache_creation")]
_counts = attrgetter(*COUNTS)
MOST = 1e9  # US dollars of a request
NO_KEYS = {"source": "", "api_key": ""}


class Records(Source):
    """Records as CPA sends them, a line each: what one lacks is for the reader of records to say."""

    kind, title, left_out = "records", gettext_lazy("records as CPA sends them"), []
    needed = {"timestamp", "tokens", "model"}  # names that tell this format

    def __init__(self, file: TextFile):
        self._file, self.position_of_end = file, file.size

    def items(self, after: int = 0) -> Iterator[Item]:
        """An item for each line that is not blank."""
        for position, line in self._file.lines(after):
            if raw := line.removeprefix(BOM_UTF8).strip():
                if not line.endswith(b"\n") and fields_of(raw) is None:
                    raise Refused(_("The file is cut off: its last line ends in the middle."))
                yield self._item(position, raw)

    def _item(self, position, raw):
        is_text = raw.isascii() or raw.decode(errors="ignore").encode() == raw
        return Item(position, raw, error=None if is_text else _("It is not UTF-8."))


class Rows(Records):
    """Requests in another shape, as JSON objects."""

    def _item(self, position, raw, *around):
        try:
            record, cost, given = self._converted(fields_of(raw), *around)
            return Item(position, encode(record), cost, None, given, record)
        except Malformed as error:
            return Item(position, raw, error=str(error))
        except (KeyError, TypeError, ValueError, AttributeError):
            return Item(position, raw, error=_("It is no request as this format has them."))


class ManagerPlus(Rows):
    """CPA-Manager-Plus, which keeps CPA's own token figures.

    Of keys and accounts it exports SHA-256, as our fingerprints are, and accounts masked: `ali***@example.com`.
    """

    kind, title = "manager-plus", gettext_lazy("CPA-Manager-Plus's usage export")
    left_out = [gettext_lazy("It has no address and program of clients, and masks accounts that it has no name for.")]
    needed = {"event_hash", "timestamp", "model", *COUNTS}

    def _converted(self, row):
        key, cached = row.get("api_key_hash", ""), max(row.get("cached_tokens") or 0, row.get("cache_tokens") or 0)
        into, out, reasoning, *others = (row[name] for name in COUNTS)
        names = {
            "tokens": counts_of(into, out, reasoning, cached, *others),
            "model": row.get("resolved_model") or row["model"],
            "alias": row.get("requested_model") or row["model"],
            "endpoint": row.get("endpoint", "").removeprefix("-"),
        }
        given = {"api_key": key, "api_key_mask": MASK} if is_fingerprint(key) else {}
        given |= dict(zip(("source", "source_display"), _account(row, key), strict=True))
        return sent(row, row.get("fail_status_code"), row.get("fail_summary"), **names, **NO_KEYS), None, given


def _account(row, key):
    """(source, how to show it): the account's name where that is what was hashed, else as masked."""
    shown, digest, name = (row.get(field, "")[:LABEL] for field in ("source", "source_hash", "account_snapshot"))
    if digest and digest == key:  # the client's own key stands where an account has no name
        return "", ""
    if shown.startswith("m:") or row.get("auth_type") == "apikey":
        return digest, shown.removeprefix("m:").replace("...", MASK)
    return (name, name) if name and fingerprint(name) == digest else (shown, shown)


class Exported(Sent, kw_only=True, gc=False):
    """A row of our own export. Blank cells of CSV are missing, and so are columns of earlier versions."""

    tokens: TokenCounts | None = None
    latency_ms: Count = 0
    source: str = ""
    auth_index: str = ""
    provider: str = ""
    model: str = ""
    endpoint: str = ""
    auth_type: str = ""
    api_key: str = ""
    request_id: str = ""
    event_key: str
    source_display: str | None = None
    api_group_key: str = ""
    api_group_display: str = ""
    cost: Annotated[float, Meta(ge=0, lt=MOST)] | None = None
    fail_status_code: Count | None = None
    fail_body: str | None = None
    input_tokens: Count
    output_tokens: Count
    reasoning_tokens: Count
    total_tokens: Count
    cache_read_tokens: Count
    cache_creation_tokens: Count
    cache_creation_5m_tokens: Count | None = None
    cache_creation_1h_tokens: Count | None = None
    unclassified_tokens: Count | None = None
    tier: str | None = None


_exported = Decoder(Exported).decode


class Own(Rows):
    """Our own export. Its event keys hold fingerprints of records: what is stored already is not stored again."""

    kind, title = "own-export", gettext_lazy("our own export")
    left_out = [gettext_lazy("It has no response headers, and client keys by their fingerprints alone.")]
    needed = {"event_key", "timestamp", "model", "failed", "source", "api_group_key", "request_id", "endpoint", *COUNTS}
    newest_first = True

    def _item(self, position, raw):
        try:
            return self._of(_exported(raw), position, raw)
        except ValueError:  # of msgspec too
            return Item(position, raw, error=_("It is no request as this format has them."))

    def _of(self, row, position, raw):
        given = {"source": row.source, "fingerprint": bytes.fromhex(row.event_key.partition("-")[2])}
        if row.source_display is not None:
            given["source_display"] = row.source_display
        key, shown = row.api_group_key, row.api_group_display
        if is_fingerprint(key):
            given |= {"api_key": key, "api_key_mask": shown if MASK in shown or not shown.strip("*") else MASK}
        if row.tier in TIERS:  # one that is missing, or none of ours, is found out again
            given["tier"] = row.tier
        stored = {"provider": row.provider, "model": row.model, "requested_model": row.alias or row.model}
        # Such as (other): a record would lose what is in brackets, and its provider would gain a prefix.
        given |= {name: text for name, text in stored.items() if text.endswith(")")}
        row.source = row.api_key = ""
        if row.fail_status_code or row.fail_body:
            row.fail = Fail(row.fail_status_code or 0, row.fail_body or "")
        uncached, out, reasoning, total, read, written = _counts(row)
        rest = row.unclassified_tokens
        rest = max(total - uncached - read - written - out, 0) if rest is None else rest
        row.tokens, row.token_breakdown = of_classes(uncached, read, written, out, reasoning, total, rest)
        hour = row.cache_creation_1h_tokens or 0
        if hour or row.cache_creation_5m_tokens:
            row.tokens.cache_creation_5m_tokens, row.tokens.cache_creation_1h_tokens = max(written - hour, 0), hour
        return Item(position, raw, row.cost, None, given, row)


class OwnCsv(Own):
    """The same as CSV, whose rows may go over several lines."""

    def items(self, after: int = 0) -> Iterator[Item]:
        """An item for each row."""
        position, line = next(self._file.lines())
        columns = header_of(line)

        def texts(lines):
            nonlocal position, line
            for place, text in lines:
                position, line = place, text
                yield line.decode()

        try:
            for cells in csv.reader(texts(self._file.lines(max(after, position))), strict=True):
                if not line.endswith(b"\n"):
                    raise Refused(_("The file is cut off: its last line ends in the middle."))
                yield self._row(position, columns, cells, line)
        except (csv.Error, UnicodeError):
            raise Refused(_("The file is cut off or damaged, near byte %d."), position) from None

    def _row(self, position, columns, cells, line):
        try:
            texts = list(map(text_of, cells)) if "'" in "".join(cells) else cells
            # A blank tier is the standard one; any other blank cell is as good as none.
            known = {name: text for name, text in zip(columns, texts, strict=False) if text or name == "tier"}
            return self._of(convert(known, Exported, strict=False), position, line)
        except ValueError:
            raw = encode(dict(zip(columns, cells, strict=False)))
            return Item(position, raw, error=_("It is no request as this format has them."))


def header_of(line: bytes) -> list[str]:
    """The names of columns, where the line is the header of a CSV file."""
    return next(csv.reader(line.decode("utf-8-sig", "replace").splitlines()), [])


def text_of(cell: str) -> str:
    """The text of a cell, without the apostrophe that keeps spreadsheets from taking it for a formula."""
    return cell[1:] if cell[:1] == "'" and safe(cell[1:]) == cell else cell


def fields_of(raw: bytes) -> dict | None:
    """The fields of a JSON object; None for any other JSON."""
    try:
        return decode(raw, type=dict)
    except (DecodeError, UnicodeError, RecursionError):
        return None
