"""Our own database: a copy that `manage.py backup` made, or any other. Its events are taken over as they are stored."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import Meta, convert, defstruct, structs

from pricing.rates import usd_per_million
from usage.imports.formats.jsonlines import Own
from usage.imports.formats.records import encode
from usage.imports.formats.source import FoundAlias, FoundPrice, Item, Refused, Source, clean
from usage.imports.formats.sqlite import Database
from usage.records.decoding import Count, legible
from usage.records.record import ORDINARY, Names, Record, caller, line
from usage.records.secrecy import LABEL
from usage.records.timestamps import AHEAD, EARLIEST
from usage.time.clock import now_us
from usage.time.periods import date_of, local_day
from usage.time.units import SECOND_US

# All columns of events and series: what a newer version adds may count.
COLUMNS = """id timestamp fingerprint series_id client_id request_id ended_day final imported failed claimed latency_ms
    ttft_ms uncached cache_read cache_write cache_write_1h cache_write_unspecified output reasoning unclassified total
    service_tier request_service_tier response_service_tier fail_status_code fail_body fail_body_length
    digest instance model_id api_key_id provider executor_type requested_model source source_display auth_index
    auth_type endpoint tier reasoning_effort context_over status clock"""
STATE = ["events_from", "zone", "labels_revision"]  # before the last came, a key could be stored as an account
# The kept events, with the fields of a Record in their order. Left joins keep the order of ids, and a row that points
# nowhere.
EVENTS = """
SELECT e.id, s.provider, s.executor_type, m.name, s.requested_model, s.source, s.source_display, s.auth_index,
    s.auth_type, k.fingerprint, k.mask, s.endpoint, s.tier, s.reasoning_effort, e.service_tier, e.request_service_tier,
    e.response_service_tier, e.failed, NULL AS names, e.timestamp, e.claimed, 0 AS arrived, e.fingerprint,
    e.request_id, e.latency_ms, e.ttft_ms, e.uncached, e.cache_read, e.cache_write, e.cache_write_1h,
    e.cache_write_unspecified, e.output, e.reasoning, e.unclassified, e.total, e.fail_status_code, e.fail_body,
    e.fail_body_length, c.ip, c.forwarded_for, c.user_agent, NULL AS response_headers
FROM usage_event e LEFT JOIN usage_series s ON s.id = e.series_id LEFT JOIN usage_client c ON c.id = e.client_id
    LEFT JOIN pricing_model m ON m.id = s.model_id LEFT JOIN aliases_apikey k ON k.id = s.api_key_id
WHERE e.id > %d AND +e.timestamp >= %d ORDER BY e.id
"""
GONE = "SELECT min(bucket), max(bucket), sum(requests) FROM usage_day WHERE bucket BETWEEN 0 AND %d AND requests > 0"
# The one in force comes last.
PRICES = """
SELECT m.name, CAST(c.prompt AS INTEGER), CAST(c.completion AS INTEGER), CAST(c.cache_read AS INTEGER),
    CAST(c.cache_write AS INTEGER)
FROM pricing_model m JOIN pricing_priceset s ON s.model_id = m.id JOIN pricing_ratecard c ON c.price_set_id = s.id
WHERE s.scope = '' AND c.tier = '' AND c.context_over = 0 AND c.hours_from IS NULL
    AND (s.valid_from IS NULL OR s.valid_from <= date('now')) AND (s.origin = 'manual' OR NOT m.catalogue_blocked)
ORDER BY s.origin = 'manual', s.valid_from
"""
# What a row may hold where it is not what a Record holds, or only some of it.
_DIFFERING = {
    "failed": Annotated[int, Meta(ge=0, le=1)],
    "names": None,
    "timestamp": Annotated[int, Meta(ge=EARLIEST)],
    "claimed": int | None,
    "fingerprint": Annotated[bytes, Meta(min_length=16, max_length=16)],
    "response_headers": None,
}
_types = {field.name: Count if field.type is int else field.type for field in structs.fields(Record)} | _DIFFERING
Kept = defstruct("Kept", [("id", int), *_types.items()], array_like=True, gc=False)  # a row of EVENTS


class Backup(Source):
    """The kept events, in the order of their ids, which are their positions.

    Events that retention has not yet removed from closed days are no whole days: such days are reported as left out.
    """

    kind, title = "backup", gettext_lazy("a backup of this program")
    left_out = [*Own.left_out, gettext_lazy("Of its prices the present base rates are offered. Settings stay behind.")]

    def __init__(self, database: Database):
        self._database = database
        _refuse_other_versions(database)
        state = next(database.rows(["usage_drainstate"], STATE), dict.fromkeys(STATE))
        try:
            self._since = int(state["events_from"] or 0)
            gone = GONE % (local_day(self._since // SECOND_US, state["zone"] or "UTC") - 1)
        except (ValueError, KeyError, TypeError, OSError, OverflowError):  # of a time or a zone that there is not
            raise Refused(_("The database is damaged: %s."), "usage_drainstate") from None
        self.position_of_end = database.last_id("usage_event")
        first, last, count = next(database.select(gone))
        if count:
            days = {"first": date_of(first), "last": date_of(last), "count": f"{count:,}"}
            sentence = _(
                "Of %(first)s to %(last)s it has totals of days alone (%(count)s requests): restore it to have them."
            )
            self.left_out = [*self.left_out, sentence % days]

    def items(self, after: int = 0) -> Iterator[Item]:
        """An item for each kept event behind a position."""
        latest = now_us() + AHEAD
        for row in self._database.select(EVENTS % (after, self._since)):
            try:
                record = _record(row)
            except ValueError:
                yield _unread(row, _("It is no request as this format has them."))
                continue
            if record.timestamp > latest:
                yield _unread(row, _("It does not tell when it happened."))
            else:
                yield Item(row[0], record.fail_body.encode(), stored=record)

    def prices(self) -> list[FoundPrice]:
        """The rates of small requests at the standard tier that are in force."""
        found = {name: rates for name, *rates in self._database.select(PRICES)}
        return [FoundPrice(name, *(r if r is None else usd_per_million(r) for r in found[name])) for name in found]

    def aliases(self) -> list[FoundAlias]:
        """Names of client keys."""
        rows = self._database.rows(["aliases_apikey"], FoundAlias._fields)
        return [FoundAlias(*list(row.values())[1:]) for row in rows if row["fingerprint"] and row["alias"]]


def _unread(row, why):
    """The whole row by column name, for a dead letter of its own."""
    return Item(row[0], encode(dict(zip(Kept.__struct_fields__, row, strict=True))), error=why)


def _record(row):
    """The record that the event of a row was; raises ValueError if it cannot have been one."""
    convert(row, Kept)
    *labels, failed = row[1:18]
    is_ordinary = sum(map(len, labels)) <= ORDINARY  # what is remembered must stay small, as in parse()
    names = (_names if is_ordinary else _names.__wrapped__)(*labels, bool(failed))
    record = Record(*names, names, *row[19:])
    record.request_id, record.fail_body = line(record.request_id, LABEL), legible(record.fail_body)
    record.client_ip, record.x_forwarded_for, record.user_agent = caller.__wrapped__(*row[-4:-1])
    return record


@lru_cache(8192)
def _names(*labels):
    """Names as records have them: one object for all records that share them."""
    *texts, failed = labels
    return (*(clean(name, text) for name, text in zip(Names.__struct_fields__, texts, strict=False)), failed)


def _refuse_other_versions(database):
    columns = database.tables.get("usage_event", set()) | database.tables.get("usage_series", set())
    differing = columns ^ {*COLUMNS.split()}
    if differing - {"imported"} or not database.tables["usage_drainstate"] >= {*STATE}:
        (of,) = next(database.select("SELECT max(name) FROM django_migrations WHERE app = 'usage'"))
        sentence = _(
            "It is a backup of another version of this program (%s): import an export of that version, or restore the"
            " backup there and upgrade."
        )
        raise Refused(sentence, of)
