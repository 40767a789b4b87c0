"""Exports of a line a request: records as CPA sends them, CPA-Manager-Plus's, our own; that as CSV too."""

import csv
from codecs import BOM_UTF8
from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import DecodeError
from msgspec.json import decode

from cpa_usage.keys import MASK, fingerprint, is_fingerprint
from usage.analytics.exports.formats import safe
from usage.imports.formats.records import encode, of_classes, sent
from usage.imports.formats.source import Item, Refused, Source
from usage.imports.formats.text import TextFile
from usage.records.decoding import TokenCounts

LABEL = 255
COUNTS = [f"{name}_tokens" for name in ("input", "output", "reasoning", "total", "cache_read", "cache_creation")]
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
            return Item(position, record, cost, None, given)
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
            "tokens": TokenCounts(into, out, reasoning, cached, *others),
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


class Own(Rows):
    """Our own export. Its event keys hold fingerprints of records: what is stored already is not stored again."""

    kind, title = "own-export", gettext_lazy("our own export")
    left_out = [gettext_lazy("It has no response headers, and client keys by their fingerprints alone.")]
    needed = {"event_key", "timestamp", "model", "failed", "source", "api_group_key", "request_id", "endpoint", *COUNTS}
    newest_first = True

    def _converted(self, row):
        given = {name: row[name] for name in ("source", "source_display") if name in row}
        given["fingerprint"] = bytes.fromhex(row["event_key"].partition("-")[2])
        key, shown, cost = row.get("api_group_key", ""), row.get("api_group_display", ""), row.get("cost")
        if cost is not None and not 0 <= cost < MOST:
            raise ValueError("no cost")
        if is_fingerprint(key):
            given |= {"api_key": key, "api_key_mask": shown if MASK in shown or not shown.strip("*") else MASK}
        uncached, out, reasoning, total, read, written = (row[name] for name in COUNTS)
        rest = row.get("unclassified_tokens", max(total - uncached - read - written - out, 0))
        names = NO_KEYS | of_classes(uncached, read, written, out, reasoning, total, rest)
        hour, tokens = row.get("cache_creation_1h_tokens", 0), names["tokens"]
        if hour or row.get("cache_creation_5m_tokens"):
            tokens.cache_creation_5m_tokens, tokens.cache_creation_1h_tokens = written - hour, hour
        return sent(row, row.get("fail_status_code"), row.get("fail_body"), **names), cost, given


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
                yield self._item(position, encode(dict(zip(columns, cells, strict=False))))
        except (csv.Error, UnicodeError):
            raise Refused(_("The file is cut off or damaged, near byte %d."), position) from None

    def _converted(self, row):
        return super()._converted({name: _cell(name, text) for name, text in row.items()})


def header_of(line: bytes) -> list[str]:
    """The names of columns, where the line is the header of a CSV file."""
    return next(csv.reader(line.decode("utf-8-sig", "replace").splitlines()), [])


def _cell(name, text):
    """The value of a cell; texts without the apostrophe that keeps spreadsheets from taking them for formulas."""
    if name == "failed":
        return text.lower() == "true"
    if name == "cost" or name.endswith(("_tokens", "_ms", "_code")):
        return (float if name == "cost" else int)(text) if text else None
    return text[1:] if text.startswith("'") and safe(text[1:]) == text else text


def fields_of(raw: bytes) -> dict | None:
    """The fields of a JSON object; None where it is none."""
    try:
        return decode(raw, type=dict)
    except (DecodeError, UnicodeError, RecursionError):
        return None
