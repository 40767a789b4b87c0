"""Our own database: a copy that `manage.py backup` made, or any other. Its events are taken over as they are stored."""

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import convert, structs

from pricing.rates import usd_per_million
from usage.imports.formats.jsonlines import Own
from usage.imports.formats.records import encode
from usage.imports.formats.source import FoundAlias, FoundPrice, Item, Refused
from usage.imports.formats.sqlite import Database
from usage.records.record import Names
from usage.time.periods import date_of, local_day
from usage.time.units import SECOND_US

# Columns that are read as they are, and all others: what a newer version adds may count.
EVENT = """id request_id latency_ms ttft_ms service_tier request_service_tier response_service_tier failed claimed
    fingerprint fail_status_code fail_body fail_body_length"""
SERIES = """provider executor_type requested_model source source_display auth_index auth_type endpoint tier
    reasoning_effort"""
OTHERS = """timestamp series_id client_id ended_day final imported uncached cache_read cache_write
    cache_write_1h cache_write_unspecified output reasoning unclassified total digest instance model_id api_key_id
    context_over status clock"""
STATE = ["events_from", "zone", "labels_revision"]  # before the last came, a key could be stored as an account
# The kept events with the columns of our own export. Left joins keep the order of ids, and a row that points nowhere.
EVENTS = f"""
SELECT {", ".join([*(f"e.{name}" for name in EVENT.split()), *(f"s.{name}" for name in SERIES.split())])},
    m.name AS model, s.requested_model AS alias, k.fingerprint AS api_key, k.mask AS api_key_mask,
    c.ip AS client_ip, c.forwarded_for AS x_forwarded_for, c.user_agent, '-' || hex(e.fingerprint) AS event_key,
    e.uncached AS input_tokens, e.output + e.reasoning AS output_tokens, e.reasoning AS reasoning_tokens,
    e.total AS total_tokens, e.cache_read AS cache_read_tokens, e.unclassified AS unclassified_tokens,
    e.cache_write + e.cache_write_1h + e.cache_write_unspecified AS cache_creation_tokens,
    e.cache_write AS cache_creation_5m_tokens, e.cache_write_1h AS cache_creation_1h_tokens,
    strftime('%%Y-%%m-%%dT%%H:%%M:%%S', e.timestamp / {SECOND_US}, 'unixepoch')
        || printf('.%%06dZ', e.timestamp %% {SECOND_US}) AS timestamp
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


class Given(Names):
    """What of an event is taken as it is stored, and not found out again."""

    fingerprint: bytes
    claimed: int | None
    fail_body_length: int


class Backup(Own):
    """The kept events, in the order of their ids, which are their positions.

    Events that retention has not yet removed from closed days are no whole days: such days are told as left out.
    """

    kind, title, newest_first = "backup", gettext_lazy("a backup of this program"), False
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
        self.position_of_end = database.extent("usage_event")[1]
        first, last, count = next(database.select(gone)).values()
        if count:
            days = {"first": date_of(first), "last": date_of(last), "count": f"{count:,}"}
            sentence = _(
                "Of %(first)s to %(last)s it has totals of days alone (%(count)s requests): restore it to have them."
            )
            self.left_out = [*self.left_out, sentence % days]

    def items(self, after: int = 0) -> Iterator[Item]:
        """An item for each kept event behind a position."""
        for row in self._database.select(EVENTS % (after, self._since)):
            try:
                given = structs.asdict(convert(row, Given, strict=False))
                yield Item(row["id"], self._converted(row)[0], given=given)
            except (TypeError, ValueError, AttributeError):
                yield Item(row["id"], encode(row), error=_("It is no request as this format has them."))

    def prices(self) -> list[FoundPrice]:
        """The rates of small requests at the standard tier that are in force."""
        found = {name: rates for name, *rates in map(dict.values, self._database.select(PRICES))}
        return [FoundPrice(name, *(r if r is None else usd_per_million(r) for r in found[name])) for name in found]

    def aliases(self) -> list[FoundAlias]:
        """Names of client keys."""
        rows = self._database.rows(["aliases_apikey"], FoundAlias._fields)
        return [FoundAlias(*list(row.values())[1:]) for row in rows if row["fingerprint"] and row["alias"]]


def _refuse_other_versions(database):
    columns = database.tables.get("usage_event", set()) | database.tables.get("usage_series", set())
    differing = columns ^ {*EVENT.split(), *SERIES.split(), *OTHERS.split()}
    if differing - {"imported"} or not database.tables["usage_drainstate"] >= {*STATE}:
        (of,) = next(database.select("SELECT max(name) FROM django_migrations WHERE app = 'usage'")).values()
        sentence = _(
            "It is a backup of another version of this program (%s): import an export of that version, or restore the"
            " backup there and upgrade."
        )
        raise Refused(sentence, of)
