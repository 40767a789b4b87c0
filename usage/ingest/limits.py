"""Rate-limit headers of each account: the newest, and how they changed, at most once an hour."""

from usage.models import LimitReading, PastReading
from usage.models.labels import OTHER
from usage.records.record import limit_headers
from usage.time.units import HOUR_S, SECOND_US

IDS = {"request-id", "x-request-id"}  # other with every request, and no limit


class LimitNotes:
    """Notes what fresh records say, in the writer's transaction; remembers how new what it noted is."""

    def __init__(self):
        self._noted: dict[str, int] = {}

    def note(self, records):
        """Keep the headers of each account's newest record, unless a newer one was noted before."""
        newest = {}
        for record in records:
            if record.response_headers and record.timestamp >= self._noted.get(record.auth_index, 0):
                self._noted[record.auth_index] = record.timestamp
                newest[record.auth_index] = record
        newest.pop(OTHER, None)  # many accounts
        found = {index: (r.timestamp, limit_headers(r.response_headers)) for index, r in newest.items()}
        if found := {index: reading for index, reading in found.items() if reading[1]}:
            _keep(found)


def _keep(found):
    known = {row.auth_index: row for row in LimitReading.objects.filter(auth_index__in=found)}
    newer = [
        LimitReading(auth_index=index, seen_at=at, headers=headers)
        for index, (at, headers) in sorted(found.items())
        if index not in known or at >= known[index].seen_at
    ]
    changed = [row for row in newer if row.auth_index not in known or _limits(row) != _limits(known[row.auth_index])]
    past = [
        PastReading(
            hour=row.seen_at // SECOND_US // HOUR_S * HOUR_S,
            auth_index=row.auth_index,
            seen_at=row.seen_at,
            headers=_limits(row),
        )
        for row in changed
    ]
    _upsert(newer, ["auth_index"])
    _upsert(past, ["hour", "auth_index"])


def _limits(row):
    return {name: value for name, value in row.headers.items() if name not in IDS}


def _upsert(rows, key):
    if rows:
        type(rows[0]).objects.bulk_create(
            rows, update_conflicts=True, unique_fields=key, update_fields=["seen_at", "headers"]
        )
