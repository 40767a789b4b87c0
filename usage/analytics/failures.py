"""Why attempts failed: by status and by what the upstream said."""

from typing import Annotated

from django.db.models import Count, Max
from msgspec import Meta, Struct

from usage.models import Event, Series
from usage.models.querysets import SAID, head, said
from usage.query.filters import UsageFilter
from usage.query.reader import Reader
from usage.query.snapshots import snapshot
from usage.time.periods import rfc3339_utc_us

SHOWN = 50


class Reason(Struct, frozen=True):
    """Failures that share a status and the beginning of a message."""

    status: int
    said: Annotated[str, Meta(description=f"The first {SAID} characters of the body.")]
    count: int
    last: Annotated[str, Meta(description="When the newest of them began.")]


class Failures(Struct, frozen=True, kw_only=True):
    """The commonest reasons among the kept events of a period."""

    total: int
    by_status: list[tuple[int, int]]
    reasons: list[Reason]


@snapshot()
def failures(asked: UsageFilter) -> Failures:
    """The commonest first; events before the kept detail say nothing any more."""
    found = sorted(_counted(_failed(asked)), key=lambda row: (-row[2], -row[3]))
    by_status: dict[int, int] = {}
    for status, _, n, _ in found:
        by_status[status] = by_status.get(status, 0) + n
    return Failures(
        total=sum(by_status.values()),
        by_status=sorted(by_status.items(), key=lambda item: (-item[1], item[0])),
        reasons=[Reason(status, said, n, rfc3339_utc_us(last)) for status, said, n, last in found[:SHOWN]],
    )


def _failed(asked):
    """The failures of the kept part of the period, by the index of those that say something if these are all."""
    reader = Reader.of(asked).kept()
    asked = reader.asked_of_events
    series = Series.objects.matching(asked).filter(failed=True)
    events = Event.objects.between(asked.period.start, asked.period.end).meeting(asked).filter(series__in=series)
    # A filter by what events know says itself whether the index will do.
    return events.spoken() if not asked.of_events and reader.all_spoken() else events


def _counted(events):
    """(status, what was said, how many, µs of the newest) of each reason."""
    rows = events.annotate(said=head()).values_list("fail_status_code", "said")
    found = list(rows.annotate(n=Count("id"), last=Max("timestamp")).order_by())
    if any(text and not text.strip() for _, text, _, _ in found):  # blanks, of which nothing is left: rare, and slow
        rows = events.annotate(said=said()).values_list("fail_status_code", "said")
        found = list(rows.annotate(n=Count("id"), last=Max("timestamp")).order_by())
    return found
