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
    final = [True] * len(fresh)
    kin, ids = {}, set()
    for i, (record, label) in enumerate(zip(fresh, labels, strict=True)):
        if not counts_alone(record.request_id, record.endpoint):
            ids.add(record.request_id)
            kin.setdefault(Kin(record.request_id, label.api_key, label.requested_model, label.endpoint), []).append(i)
    stored = _stored_kin(sorted(ids), kin)
    changes = []
    for key, new in kin.items():
        old = stored.get(key, [])
        if len(new) + len(old) > 1:
            changes += _judge(new, old, fresh, final)
    _mark(changes)
    return final, [(event.timestamp, event.series_id, event.series__failed, 1 if now else -1) for event, now in changes]


def _mark(changes):
    for mark in (True, False):
        for chunk in chunks([event.id for event, now in changes if now is mark]):
            Event.objects.filter(id__in=chunk).update(final=mark)


def settle_stored(request_ids: list[str]):
    """Recompute the marks of all stored events of these requests; the rollups are the caller's to mend."""
    for chunk in chunks(request_ids, 500):
        changes = [change for old in _stored_kin(chunk).values() for change in _judge([], old, [], [])]
        _mark(changes)


def _stored_kin(request_ids, wanted=None):
    """Stored events of the wanted requests (all of them without `wanted`), first stored first."""
    columns = ("id", "timestamp", "latency_ms", "final", "series_id", "series__failed", "request_id")
    labels = ("series__api_key__fingerprint", "series__requested_model", "series__endpoint")
    found = {}
    for chunk in chunks(request_ids):
        events = Event.objects.filter(request_id__in=chunk).order_by("id").values_list(*columns, *labels, named=True)
        for event in events:
            kin = Kin(*event[6:])
            alone = counts_alone(kin.request_id, kin.endpoint)
            if not alone and (wanted is None or kin in wanted):
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
