"""What a file holds, and what an import of it would do; nothing is stored."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from hashlib import file_digest
from pathlib import Path
from sys import float_info
from typing import NamedTuple

import msgspec
from django.conf import settings
from django.utils import timezone

from aliases.models import ApiKey
from pricing.models import Model
from usage.imports.formats import FoundAlias, FoundPrice, Item, Source
from usage.imports.storing import Read, taken_days
from usage.ingest.duplicates import unseen
from usage.models import DrainState
from usage.records.timestamps import believed
from usage.rollups.retention import first_kept_day
from usage.time.clock import now_us
from usage.time.periods import date_of, day_start, local_date
from usage.time.units import SECOND_US

ITEMS_AT_ONCE = 10_000  # stored in one transaction: more are hardly quicker, and take more memory
BYTES_AT_ONCE = 16 * 1024 * 1024
SHOWN = 20  # models
NAMES = 10_000  # models and keys that are counted one by one
Tell = Callable[[int], object]  # called with the position that has been reached


class Summary(msgspec.Struct):
    """What a look reads of a record."""

    timestamp: str
    model: str = ""
    api_key: str = ""


_summary_of = msgspec.json.Decoder(Summary).decode


@dataclass
class Found:
    """What a file holds. Times are µs; `unread` are no records, or tell no time that can be."""

    kind: str
    title: str
    left_out: list[str]
    events: int = 0
    unread: int = 0
    first: int | None = None
    last: int | None = None
    cost: float | None = None
    models: dict[str, int] = field(default_factory=dict)
    keys: int = 0
    prices: int = 0  # of models that have none here
    aliases: int = 0  # of keys that have none here

    def as_json(self) -> dict:
        """The fields and local days of what was found, with the most used models alone."""
        days = [local_date(at // SECOND_US, settings.TIME_ZONE) for at in (self.first, self.last) if at is not None]
        models = {"models": dict(list(self.models.items())[:SHOWN]), "model_count": len(self.models)}
        return asdict(self) | models | {"days": list(map(str, days))}


def digest_of(path: Path) -> str:
    """SHA-256 of a whole file, in hex: a file is the same wherever it lies."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """As many items at a time as are stored in one transaction."""
    batch, size = [], 0
    for item in items:
        batch.append(item)
        size += len(item.raw)
        if len(batch) >= ITEMS_AT_ONCE or size >= BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def look(source: Source, tell: Tell = lambda position: None) -> Found:
    """Read a file to its end, quickly. Raises Refused where it is no whole file."""
    found, keys = Found(source.kind, str(source.title), list(map(str, source.left_out))), set()
    arrived = now_us()
    for batch in batches(source.items()):
        for item in batch:
            _note(found, keys, item, arrived)
        tell(batch[-1].position)
    found.keys, found.models = len(keys), dict(sorted(found.models.items(), key=lambda each: -each[1]))
    found.prices, found.aliases = len(new_prices(source.prices())), len(new_aliases(source.aliases()))
    return found


def _note(found, keys, item, arrived):
    found.events += 1
    if item.cost is not None:
        found.cost = min((found.cost or 0.0) + item.cost, float_info.max)
    try:
        summary = item.stored or item.sent or _summary_of(item.raw)
        at = item.stored.timestamp if item.stored else believed(summary.timestamp, arrived)[0]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        at = arrived
    if at == arrived or item.error:  # as Item.record has it
        found.unread += 1
        return
    found.first, found.last = min(found.first or at, at), max(found.last or at, at)
    if summary.model in found.models or len(found.models) < NAMES:
        found.models[summary.model] = found.models.get(summary.model, 0) + 1
    key = item.given.get("api_key") if item.given else summary.api_key
    if key and len(keys) < NAMES:
        keys.add(key)


class Preview(NamedTuple):
    """What an import would do, in events."""

    events: int  # new ones
    older: int  # of these: only totals of days would stay
    known: int
    differing: int
    left_out: int
    dead: int


def preview(source: Source, tell: Tell = lambda position: None) -> Preview:
    """What an import would do now, by the rules of the import itself."""
    since, arrived, sums = _kept_from(), now_us(), [0] * len(Preview._fields)
    taken, met = taken_days(since), sqlite3.connect("")  # on disk: there may be more than fit into memory
    met.execute("CREATE TABLE met (timestamp, fingerprint, PRIMARY KEY (timestamp, fingerprint)) WITHOUT ROWID")
    for batch in batches(source.items()):
        read = Read(batch, arrived)
        wanted = read.untaken(since, taken)
        fresh, differing, _ = unseen(wanted, imported=0)  # which is none
        new = _first_met(met, fresh)
        older = sum(record.timestamp < (since or 0) for record in new)
        left_out = len(read.records) - len(wanted)
        counts = (len(new), older, len(wanted) - len(new), differing, left_out, len(read.dead))
        sums = [total + count for total, count in zip(sums, counts, strict=True)]
        tell(batch[-1].position)
    return Preview(*sums)


def _kept_from() -> int | None:
    """Where the kept detail begins (µs) once an import has begun."""
    since = DrainState.load().events_from
    if not settings.USAGE_RETENTION_DAYS:
        return since
    return max(since or 0, day_start(date_of(first_kept_day()), settings.TIME_ZONE) * SECOND_US)


def _first_met(met, records):
    """The values that the file did not have before."""
    insert = "INSERT OR IGNORE INTO met VALUES (?, ?)"
    with met:
        return [r for r in records if met.execute(insert, (r.timestamp, r.fingerprint)).rowcount]


def new_prices(prices: list[FoundPrice]) -> list[FoundPrice]:
    """The prices of models that have none here."""
    priced = set(Model.objects.with_prices(timezone.localdate()).filter(is_priced=True).values_list("name", flat=True))
    return [price for price in prices if price.model not in priced]


def new_aliases(aliases: list[FoundAlias]) -> list[FoundAlias]:
    """The names of client keys that have none here."""
    named = set(ApiKey.objects.named().values_list("fingerprint", flat=True))
    return [alias for alias in aliases if alias.fingerprint not in named]
