"""Keeps the mark of the attempt that ended a client's request true while attempts arrive, in whatever order."""

from collections import defaultdict
from operator import attrgetter

from usage.ingest.attempts import Attempt, counts_alone, finals, siblings_within
from usage.ingest.partitions import Edges
from usage.models import Event

AT_ONCE = 5000  # request ids whose stored events are judged at a time
# What the attempts of one client request have in common.
_request_of = attrgetter("request_id", "api_key", "requested_model", "endpoint")


def settle(fresh):
    """For each fresh record whether it ended its client's request, and the stored events that no longer do.

    Returns ([bool], [(timestamp, series id, failed, ±1)]): the change of stored events' marks is written here.
    """
    final, by_id, within = [True] * len(fresh), defaultdict(list), {}
    for i, record in enumerate(fresh):
        id = record.request_id
        if not counts_alone(id, record.endpoint):
            by_id[id].append(i)
            days = siblings_within(record.timestamp, record.latency_ms)
            within[id] = _both(days, within[id]) if id in within else days
    stored = _stored_siblings(within)
    # Few ids occur twice: only of these it matters what else a request has in common.
    met_before, requests = {id for id, *_ in stored}, defaultdict(list)
    for id, found in by_id.items():
        if len(found) > 1 or id in met_before:
            for i in found:
                requests[_request_of(fresh[i])].append(i)
    changes = []
    for request, new in requests.items():
        changes += _judge(new, stored.get(request, []), fresh, final)
    return final, _mark(changes)


def settle_stored(days: dict[range, list[str]]) -> list[tuple[int, int, bool, int]]:
    """Recompute the marks of all stored events of requests, given by the UTC days on which their attempts ended.

    Returns what changed, as settle() does: the caller mends the rollups.
    """
    changes, edges = [], Edges()
    for ended, ids in days.items():
        start, _ = edges.since(ended.start)
        for first in range(0, len(ids), AT_ONCE):
            for old in _stored_by_request(_stored(ids[first : first + AT_ONCE], ended, start)).values():
                changes += _judge([], old, [], [])
    return _mark(changes)


def _stored_by_request(events):
    """Stored events by what `_request_of` says of a record."""
    requests = defaultdict(list)
    for event in events:
        request = event[6:]
        if not counts_alone(event.request_id, request[-1]):
            requests[request].append(event)
    return requests


def _mark(changes):
    """Write the new marks; returns what they change in totals, as settle() does."""
    for mark in (True, False):
        if ids := [event.id for event, now in changes if now is mark]:
            times = [event.timestamp for event, now in changes if now is mark]  # which tell their partitions
            Event.objects.filter(timestamp__among=times, id__among=ids).update(final=mark)
    return [(event.timestamp, event.series_id, event.failed, 1 if now else -1) for event, now in changes]


def _stored_siblings(within: dict[str, tuple[int, int]]):
    """Stored events of requests, first stored first.

    `within`: for each id the UTC days [first, stop) on which its attempts ended. One that is found may itself follow
    one that ended before these, or be followed by one that ended after them; then that one is looked for too.
    """
    found, edges = {}, Edges() if within else None
    while within:
        wider = {}
        ids_by_days = defaultdict(list)
        for id, days in within.items():
            ids_by_days[days].append(id)
        for (first, stop), ids in ids_by_days.items():
            start, end = edges.since(first)
            days = range(first, min(stop, end))
            for event in _stored(ids, days, start) if days else ():
                found[event.id] = event
                id, around = event.request_id, siblings_within(event.timestamp, event.latency_ms)
                if around[0] < first or days.stop < min(around[1], end):
                    wider[id] = _both(around, wider.get(id, (first, stop)))
        within = wider
    return _stored_by_request(found[id] for id in sorted(found))


def _both(days, others):
    """The days [first, stop) from the first of both ranges to the last."""
    return min(days[0], others[0]), max(days[1], others[1])


def _stored(request_ids, days, start):
    columns = ("id", "timestamp", "latency_ms", "final", "series_id", "failed", "request_id")
    labels = ("series__api_key__fingerprint", "series__requested_model", "series__endpoint")
    events = Event.objects.all() if start is None else Event.objects.between(start, None)
    events = events.of_requests(request_ids, days).order_by("id")
    return events.values_list(*columns, *labels, named=True)


def _judge(new, old, fresh, final):
    """Mark the new records of one request in `final`; returns (event, its new mark) of stored ones that change."""
    attempts = [Attempt(e.timestamp, e.latency_ms, e.failed, order) for order, e in enumerate(old)]
    attempts += [Attempt(fresh[i].timestamp, fresh[i].latency_ms, fresh[i].failed, len(old) + i) for i in new]
    ended = finals(attempts)
    for i in new:
        final[i] = len(old) + i in ended
    return [(event, order in ended) for order, event in enumerate(old) if event.final is not (order in ended)]
