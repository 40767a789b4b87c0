"""What is stored already: the same bytes, or the same request from another source.

An import and a drain, or two imports, have the same request in other bytes. A source is never compared with itself:
two of its records are two requests.
"""

from collections import defaultdict
from operator import attrgetter
from typing import NamedTuple

from django.db.models import F

from pricing.tokenclasses import CLASSES
from usage.models import Event
from usage.models.labels import OTHER

COMPARED = (*CLASSES, "total", "failed")  # in which two sources of a request may differ
_compared = attrgetter(*COMPARED)
_COLUMNS = ("id", "timestamp", "fingerprint", "imported", "request_id", "latency_ms", *COMPARED)
_LABELS = {name: F(f"series__{name}") for name in ("source", "auth_index", "endpoint")}
_LABELS["model"] = F("series__model__name")


class Sorted(NamedTuple):
    """Records that are not stored yet, in order of arrival; how many differ from what is stored of them; and of events
    that an import brought, and that now came by the drain: (fingerprint as it came, time, id)."""

    fresh: list
    differing: int
    live: list[tuple[bytes, int, int]]


def unseen(found, imported: int | None = None) -> Sorted:
    """Sort out the records that are stored. `imported`: the import that they come by, None for the drain."""
    fresh = {}
    for record in found:
        fresh.setdefault((record.timestamp, record.fingerprint), record)
    same, others = set(), set()
    for timestamp, fingerprint in _identities_at(sorted({timestamp for timestamp, _ in fresh})):
        key = timestamp, bytes(fingerprint)
        same.add(key) if key in fresh else others.add(timestamp)
    known = [fresh.pop(key) for key in same]
    candidates = defaultdict(list)  # fresh ones that began in the same microsecond as a stored one
    for record in fresh.values() if others else ():
        if record.timestamp in others:
            candidates[record.timestamp].append(record)
    times = set(candidates) | ({record.timestamp for record in known} if imported is None else set())
    differing, live = 0, []
    for event in _from_other_sources(times, imported):
        fingerprint = bytes(event.fingerprint)
        if (event.timestamp, fingerprint) not in same:
            match = next((r for r in candidates[event.timestamp] if is_same_request(r, event)), None)
            if match is None:
                continue
            candidates[event.timestamp].remove(match)
            del fresh[match.timestamp, match.fingerprint]
            differing += _compared(match) != _compared(event)
            fingerprint = match.fingerprint
        if imported is None:
            live.append((fingerprint, event.timestamp, event.id))
    return Sorted(list(fresh.values()), differing, live)


def is_same_request(record, event) -> bool:
    """Whether a record is the request of an event that began in the same microsecond, by what both sources know."""
    account = _agree(record, event, "auth_index") or _agree(record, event, "source")
    if not (account and _agree(record, event, "model")):
        return False
    if record.request_id and event.request_id:
        return record.request_id == event.request_id
    lasted = record.latency_ms == event.latency_ms or not (record.latency_ms and event.latency_ms)
    return record.total == event.total and lasted and _agree(record, event, "endpoint")


def _agree(record, event, label):
    """Whether a label is the same, as far as both have it."""
    ours, theirs = getattr(record, label), getattr(event, label)
    return ours == theirs or not ours or not theirs or OTHER in (ours, theirs)


def _from_other_sources(times, imported):
    """Stored events of these times that came by another source, the first stored first."""
    if not times:
        return []
    events = Event.objects.filter(timestamp__among=sorted(times)).annotate(**_LABELS).order_by("id")
    return [row for row in events.values_list(*_COLUMNS, *_LABELS, named=True) if row.imported != imported]


def _identities_at(times):
    """Identities of stored events, among them all with one of these times (sorted).

    Records arrive nearly in order, so that what is stored between the first and the last of them is little: to read
    that is cheaper by far than to ask for thousands of times. A late record spans more; then the times are asked for.
    """
    identities, enough = Event.objects.order_by().values_list("timestamp", "fingerprint"), 2 * len(times)
    if not times:
        return
    between = list(identities.between(times[0], times[-1] + 1)[: enough + 1])
    if len(between) <= enough:
        yield from between
        return
    yield from identities.filter(timestamp__among=times)
