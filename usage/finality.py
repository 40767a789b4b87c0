"""Keeps the mark of the attempt that ended a client's request true while attempts arrive, in whatever order."""

from typing import NamedTuple

from usage.attempts import Attempt, counts_alone, finals
from usage.models import Event

LOOK_UP = 5000  # values in one IN (…)


class Kin(NamedTuple):
    """What records of one client request have in common."""

    request_id: str
    api_key: str
    requested_model: str
    endpoint: str


def settle(fresh, labels):
    """For each fresh record whether it ended its client's request, and the stored events that no longer do.

    Returns ([bool], [(timestamp, series id, failed, ±1)]): the change of stored events' marks is written here.
    """
    final, by_id = [True] * len(fresh), {}
    for i, record in enumerate(fresh):
        if not counts_alone(record.request_id, record.endpoint):
            by_id.setdefault(record.request_id, []).append(i)
    stored = _stored_kin(sorted(by_id))
    shared = {kin.request_id for kin in stored} | {id for id, found in by_id.items() if len(found) > 1}
    changes = []
    for kin, new in _by_kin((i for id in shared for i in by_id[id]), fresh, labels).items():
        changes += _judge(new, stored.get(kin, []), fresh, final)
    _mark(changes)
    return final, [(event.timestamp, event.series_id, event.series__failed, 1 if now else -1) for event, now in changes]


def _by_kin(indexes, fresh, labels):
    """Indexes of fresh records by what they have in common."""
    kin = {}
    for i in indexes:
        label = labels[i]
        kin.setdefault(Kin(fresh[i].request_id, label.api_key, label.requested_model, label.endpoint), []).append(i)
    return kin


def _mark(changes):
    for mark in (True, False):
        for chunk in chunks([event.id for event, now in changes if now is mark]):
            Event.objects.filter(id__in=chunk).update(final=mark)


def settle_stored(request_ids: list[str]):
    """Recompute the marks of all stored events of these requests; the rollups are the caller's to mend."""
    for chunk in chunks(request_ids, 500):
        changes = [change for old in _stored_kin(chunk).values() for change in _judge([], old, [], [])]
        _mark(changes)


def _stored_kin(request_ids):
    """Stored events with these ids by what they have in common, first stored first."""
    columns = ("id", "timestamp", "latency_ms", "final", "series_id", "series__failed", "request_id")
    labels = ("series__api_key__fingerprint", "series__requested_model", "series__endpoint")
    found = {}
    for chunk in chunks(request_ids):
        events = Event.objects.filter(request_id__in=chunk).order_by("id").values_list(*columns, *labels, named=True)
        for event in events:
            kin = Kin(*event[6:])
            if not counts_alone(kin.request_id, kin.endpoint):
                found.setdefault(kin, []).append(event)
    return found


def _judge(new, old, fresh, final):
    """Mark the new records of one kin in `final`; returns (event, its new mark) of stored ones whose mark changes."""
    attempts = [Attempt(e.timestamp, e.latency_ms, e.series__failed, order) for order, e in enumerate(old)]
    attempts += [Attempt(fresh[i].timestamp, fresh[i].latency_ms, fresh[i].failed, len(old) + i) for i in new]
    ended = finals(attempts)
    for i in new:
        final[i] = len(old) + i in ended
    return [(event, order in ended) for order, event in enumerate(old) if event.final is not (order in ended)]


def chunks(values: list, size: int = LOOK_UP):
    """Slices of a list, none longer than `size`."""
    return (values[i : i + size] for i in range(0, len(values), size))
