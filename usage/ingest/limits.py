"""Rate-limit headers of each account: the newest, and how they changed, at most once an hour."""

from usage.models import LimitReading, PastReading
from usage.models.labels import OTHER
from usage.records.record import limit_headers
from usage.time.units import HOUR_S, HOUR_US

IDS = {"request-id", "x-request-id"}  # other with every request, and no limit


def note_limits(records):
    """Keep the headers of each account's newest record of each hour, unless a newer one was noted before.

    In the writer's transaction.
    """
    newest = {}
    for record in records:
        place = record.auth_index, record.timestamp // HOUR_US
        if record.response_headers and (place not in newest or record.timestamp >= newest[place].timestamp):
            newest[place] = record
    found = [
        (*place, newest[place].timestamp, limit_headers(newest[place].response_headers)) for place in sorted(newest)
    ]
    if found := [reading for reading in found if reading[0] != OTHER and reading[-1]]:  # other: many accounts
        _keep(found)


def _keep(found):
    """`found`: (account, hour since the epoch, when in µs, headers), those of an account in the order of time."""
    known = LimitReading.objects.filter(auth_index__in={index for index, *_ in found})
    newest, past, newer = {row.auth_index: row for row in known}, [], {}
    for index, hour, at, headers in found:
        before, row = newest.get(index), LimitReading(auth_index=index, seen_at=at, headers=headers)
        if before and at < before.seen_at:
            continue
        newest[index] = newer[index] = row
        if before is None or _limits(row) != _limits(before):
            past.append(PastReading(hour=hour * HOUR_S, auth_index=index, seen_at=at, headers=_limits(row)))
    _upsert(list(newer.values()), ["auth_index"])
    _upsert(past, ["hour", "auth_index"])


def _limits(row):
    return {name: value for name, value in row.headers.items() if name not in IDS}


def _upsert(rows, key):
    if rows:
        type(rows[0]).objects.bulk_create(
            rows, update_conflicts=True, unique_fields=key, update_fields=["seen_at", "headers"]
        )
