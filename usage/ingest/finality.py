"""Keeps the mark of the attempt that ended a client's request true while attempts arrive, in whatever order."""

from collections import defaultdict
from typing import NamedTuple

from usage.ingest.attempts import Attempt, counts_alone, finals, siblings_from
from usage.models import Event

AT_ONCE = 5000  # request ids whose stored events are judged at a time


class RequestKey(NamedTuple):
    """What the attempts of one client request have in common."""

    request_id: str
    api_key: str
    requested_model: str
    endpoint: str


def settle(fresh):
    """For each fresh record whether it ended its client's request, and the stored events that no longer do.

    Returns ([bool], [(timestamp, series id, failed, ±1)]): the change of stored events' marks is written here.
    """
    final, by_id, since = [True] * len(fresh), {}, {}
    for i, record in enumerate(fresh):
        id = record.request_id
        if counts_alone(id, record.endpoint):
            continue
        day = siblings_from(record.timestamp)
        if id not in by_id:
            by_id[id], since[id] = [i], day
        else:
            by_id[id].append(i)
            since[id] = min(since[id], day)
    stored = _stored_siblings(since)
    shared = {key.request_id for key in stored} | {id for id, found in by_id.items() if len(found) > 1}
    changes = []
    for key, new in _by_request((i for id in shared for i in by_id[id]), fresh).items():
        changes += _judge(new, stored.get(key, []), fresh, final)
    _mark(changes)
    return final, [(event.timestamp, event.series_id, event.failed, 1 if now else -1) for event, now in changes]


def settle_stored(days: dict[range, list[str]]):
    """Recompute the marks of all stored events of requests, given by the UTC days on which their attempts ended.

    The caller mends the rollups.
    """
    for ended, ids in days.items():
        for first in range(0, len(ids), AT_ONCE):
            for old in _stored_by_request(_stored(ids[first : first + AT_ONCE], ended)).values():
                _mark(_judge([], old, [], []))


def _by_request(indexes, fresh):
    """Indexes of fresh records by their RequestKey."""
    requests = defaultdict(list)
    for i in indexes:
        r = fresh[i]
        requests[RequestKey(r.request_id, r.api_key, r.requested_model, r.endpoint)].append(i)
    return requests


def _stored_by_request(events):
    """Stored events by their RequestKey."""
    requests = defaultdict(list)
    for event in events:
        key = RequestKey(*event[6:])
        if not counts_alone(key.request_id, key.endpoint):
            requests[key].append(event)
    return requests


def _mark(changes):
    for mark in (True, False):
        if ids := [event.id for event, now in changes if now is mark]:
            Event.objects.filter(id__among=ids).update(final=mark)


def _stored_siblings(since: dict[str, int]):
    """Stored events of requests by their RequestKey, first stored first.

    `since`: for each id the UTC day from which on its attempts count. An attempt that took longer than a day may itself
    follow one that ended before; then that one is looked for too.
    """
    found, newest = {}, Event.objects.days().stop
    while since:
        looked_at, since = since, {}
        for first, ids in _by_value(looked_at).items():
            events = _by_id(_stored(ids, range(first, newest)))
            found |= events
            since |= {id: day for id, day in map(_reaches_back, events.items()) if day < first}
    return _stored_by_request(event for events in found.values() for event in events)


def _stored(request_ids, days):
    columns = ("id", "timestamp", "latency_ms", "final", "series_id", "failed", "request_id")
    labels = ("series__api_key__fingerprint", "series__requested_model", "series__endpoint")
    events = Event.objects.of_requests(request_ids, days).order_by("id")
    return events.values_list(*columns, *labels, named=True)


def _by_value(days):
    """{value: [keys that have it]}."""
    keys = defaultdict(list)
    for key, value in days.items():
        keys[value].append(key)
    return keys


def _by_id(events):
    by_id = defaultdict(list)
    for event in events:
        by_id[event.request_id].append(event)
    return by_id


def _reaches_back(found):
    """An id and the earliest day on which an attempt ended that one of its events can have followed."""
    id, events = found
    return id, siblings_from(min(event.timestamp for event in events))


def _judge(new, old, fresh, final):
    """Mark the new records of one request in `final`; returns (event, its new mark) of stored ones that change."""
    attempts = [Attempt(e.timestamp, e.latency_ms, e.failed, order) for order, e in enumerate(old)]
    attempts += [Attempt(fresh[i].timestamp, fresh[i].latency_ms, fresh[i].failed, len(old) + i) for i in new]
    ended = finals(attempts)
    for i in new:
        final[i] = len(old) + i in ended
    return [(event, order in ended) for order, event in enumerate(old) if event.final is not (order in ended)]
