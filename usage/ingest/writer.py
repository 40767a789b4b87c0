"""The only writer of events and rollups: a batch of raw records becomes rows and totals in one transaction."""

from collections import defaultdict
from operator import attrgetter
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from cpa_usage.database.versions import require_this_version
from pricing.book import PriceBook
from pricing.tokenclasses import CLASSES
from usage.ingest import durations
from usage.ingest.attempts import ended_day
from usage.ingest.batch import Parsed, late_letter
from usage.ingest.costs import Costs
from usage.ingest.duplicates import unseen
from usage.ingest.finality import settle
from usage.ingest.labels import ClientMap, SeriesMap, client_of
from usage.ingest.labelvalues import LabelTotals, Rows, summed
from usage.ingest.limits import note_limits
from usage.ingest.partitions import Partitions
from usage.ingest.statements import claim, insert, upsert
from usage.models import MEASURES, PRICED, Day, DeadLetter, DrainState, Duration, Event, LabelDay, LabelQuarter, Quarter
from usage.records.unknown import MOST, unknown_fields
from usage.time.periods import local_day
from usage.time.units import QUARTER_S, QUARTER_US

_tokens = attrgetter(*CLASSES, "total")
# The columns of an event after `imported`; all of them are of the record.
_as_recorded = attrgetter(*(field.name for field in Event._meta.concrete_fields[9:]))


class Stored(NamedTuple):
    """What became of a batch."""

    events: int = 0
    duplicates: int = 0
    dead: int = 0
    too_late: int = 0
    refresh: bool = False


class Writer:
    """Stores batches; remembers label sets and prices between them. One thread at a time.

    `lock` begins each transaction: a drain's fails when another drain has taken over.
    """

    imported = None  # the import that events come by

    def __init__(self, lock=DrainState.lock):
        self._lock = lock
        self._forget()

    def _forget(self):
        self.series = self.clients = self.totals = self.book = self.revision = self.partitions = None

    def store(self, batch: list[tuple[int, bytes]]) -> Stored:
        """Store (arrival in µs UTC, raw record) pairs; storing one again changes nothing.

        Raises django.db.Error when the database is away; then nothing of the batch is stored. A record that cannot be
        read is kept as a dead letter and never stops the others.
        """
        return self.store_parsed(Parsed(batch))

    def store_parsed(self, parsed: Parsed) -> Stored:
        """As store(), for a batch that is read already."""
        try:
            with transaction.atomic():
                stored = self._store(parsed)
                # At the end: by then it has waited for what another machine migrated meanwhile.
                require_this_version()
                return stored
        except Exception:
            self._forget()  # what is remembered may name rows that were rolled back
            raise

    def _store(self, parsed):
        state = self._lock()
        self._remember(state)
        since = state.events_from or 0
        kept = [record for record in parsed.records if record.timestamp >= since]
        late = [late_letter(record, parsed.raw) for record in parsed.records if record.timestamp < since]
        fresh, _, live = unseen(kept)
        folded, _ = self._add(fresh)
        if live:
            claim(live)
        unread = bury(parsed.dead)
        dead = unread + bury(late)
        stored = Stored(len(fresh), len(kept) - len(fresh), dead, len(late), parsed.refresh)
        self._tell(state, stored, folded, unread)
        return stored

    def _add(self, fresh, since: int | None = None) -> tuple[int, Rows]:
        """Insert records, and count those from `since` µs on, None for all.

        Returns how many have a label that is (other), and what was added to the quarters of series.
        """
        series_ids = self._label(fresh)
        folded = self.series.rename(fresh, series_ids)
        final, undone = settle(fresh)
        self._insert(fresh, series_ids, final, since)
        if since is not None and any(record.timestamp < since for record in fresh):
            kept = [i for i, record in enumerate(fresh) if record.timestamp >= since]
            fresh, series_ids, final = ([rows[i] for i in kept] for rows in (fresh, series_ids, final))
            undone = [change for change in undone if change[0] >= since]
        quarters = count(fresh, series_ids, final, undone)
        add_to_rollups(quarters, self.costs, self.totals)
        upsert(Duration, durations.count(fresh, self.series.models))
        note_limits(fresh)
        return folded, quarters

    def _remember(self, state):
        """Load what is remembered, and prices when they changed: inside the transaction, so no change is missed."""
        if self.revision != state.labels_revision:
            self._forget()
            self.revision = state.labels_revision
        if self.clients is None:
            self.clients, self.totals, self.partitions = ClientMap(), LabelTotals(), Partitions()
        book = PriceBook.current()
        if self.series is None or book.stamp != self.book.stamp:
            self.series = SeriesMap()  # a model that was (other) may have a row since it has a price
        self.book = book
        self.costs = Costs(self.book, self.series.priced_by)

    def _label(self, fresh):
        """The series id of each record; its client has a row too afterwards."""
        self.series.observe_models(dict.fromkeys(r.model for r in fresh))
        self.clients.observe(set(map(client_of, fresh)))
        models, labels = self.series.models, self.book.labels
        return self.series.ids_of(
            [
                (
                    r.names,
                    *labels(models[r.model], r.requested_model, r.input_context, r.timestamp),
                    r.fail_status_code,
                )
                for r in fresh
            ]
        )

    def _insert(self, fresh, series_ids, final, since):
        clients = self.clients.ids
        rows = [
            (
                r.timestamp,
                r.fingerprint,
                series_id,
                clients[client_of(r)],
                r.request_id,
                ended_day(r.timestamp, r.latency_ms),
                ended,
                self.imported,
                *_as_recorded(r),
            )
            for r, series_id, ended in zip(fresh, series_ids, final, strict=True)
        ]
        self.partitions.cover((r.timestamp for r in fresh), since)
        insert(Event, rows)

    def _tell(self, state, stored, folded, unread=0):
        changes = {
            "total_inserted": stored.events,
            "total_deduped": stored.duplicates,
            "total_decode_errors": unread,
            "total_too_late": stored.too_late,
            "total_folded": folded,
        }
        fields = {name: F(name) + count for name, count in changes.items() if count}
        if stored.events:
            fields["last_inserted_at"] = timezone.now()
        if not state.zone:
            fields["zone"] = settings.TIME_ZONE
        if (names := sorted({*state.unknown_fields, *unknown_fields.names})[:MOST]) != state.unknown_fields:
            fields["unknown_fields"] = names
        if fields:
            DrainState.objects.filter(pk=1).update(**fields)


def retry(letters) -> int:
    """Store the dead letters of a queryset that can be stored by now, as of their arrival; returns how many.

    The others are dead letters again. Those of imports stay: they did not happen when they arrived, and no import
    would take them back. Raises django.db.Error when the database is away; nothing is changed then.
    """
    letters = letters.exclude(kind=DeadLetter.Kind.IMPORTED)
    with transaction.atomic():
        DrainState.lock()  # before the rows: a drain that buries the same record holds it already
        batch = [(arrived, bytes(raw)) for arrived, raw in letters.order_by("arrived").values_list("arrived", "raw")]
        letters.delete()
        stored = Writer().store(batch)
    return len(batch) - stored.dead


UNPRICED = (0,) * len(PRICED)


def bury(letters):
    """Keep dead letters; returns how many were new."""
    if not letters:
        return 0
    # By id, for retention and people may remove old ones at the same time, while this one alone adds any.
    newest = DeadLetter.objects.aggregate(newest=Max("id", default=0))["newest"]
    DeadLetter.objects.bulk_create(letters, ignore_conflicts=True, batch_size=100)
    return DeadLetter.objects.filter(id__gt=newest).count()


def count(fresh, series_ids, final, undone):
    """The measures (without cost) of every quarter and series the batch touches."""
    rows = defaultdict(list)
    for r, series_id, ended in zip(fresh, series_ids, final, strict=True):
        failed, latency, ttft = r.failed, r.latency_ms, r.ttft_ms
        results, tokens = [1, int(failed), int(ended), int(ended and failed)], _tokens(r)
        empty = int(not failed and not any(tokens))
        counts = [*results, *tokens, latency, int(latency > 0), ttft, int(ttft > 0), empty, *UNPRICED]
        rows[r.timestamp // QUARTER_US * QUARTER_S, series_id].append(counts)
    for timestamp, series_id, failed, change in undone:
        counts = [0, 0, change, change * failed, *[0] * (len(MEASURES) - 4)]
        rows[timestamp // QUARTER_US * QUARTER_S, series_id].append(counts)
    return summed(rows)


def add_to_rollups(quarters: Rows, costs: Costs, totals: LabelTotals, sign: int = 1):
    """Price the measures of (quarter, series) and add them to every rollup; subtract them where the sign is -1."""
    days, label_quarters = fold_days(quarters, costs), totals.fold(quarters)
    folded = {Quarter: quarters, Day: days, LabelQuarter: label_quarters, LabelDay: fold_to_days(label_quarters)}
    for rollup, rows in folded.items():
        upsert(rollup, rows if sign > 0 else negated(rows))


def negated(rows: dict) -> dict:
    """Measures to subtract."""
    return {key: [-value for value in row] for key, row in rows.items()}


def fold_days(quarters: Rows, costs: Costs) -> Rows:
    """Price each quarter's row in place and sum the rows by (local day, series)."""
    day = _days_of(quarters)
    for (bucket, series_id), row in quarters.items():
        costs.fill(series_id, day[bucket], row)
    return fold_to_days(quarters)


def fold_to_days(quarters: Rows) -> Rows:
    """Sum rows by (quarter hour, owner) to rows by (local day, owner)."""
    parts, day = defaultdict(list), _days_of(quarters)
    for (bucket, owner), row in quarters.items():
        parts[day[bucket], owner].append(row)
    return summed(parts)


def day_of(bucket: int) -> int:
    """The local day that a quarter hour (seconds) counts on."""
    return local_day(bucket, settings.TIME_ZONE)


def _days_of(rows):
    """{quarter hour: its day}; rows are many, their quarters few."""
    return {bucket: day_of(bucket) for bucket in {bucket for bucket, _ in rows}}
