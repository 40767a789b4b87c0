"""What imports added to local days, noted before their events go: then an import can still be undone exactly."""

from collections.abc import Iterable

from django.conf import settings
from django.db.models import Min

from usage.models import COUNTED, Event, Import, ImportedDay
from usage.rollups.counting import edges_of
from usage.time.periods import local_day
from usage.time.units import SECOND_US


def note_closed(before: int | None, start: int):
    """Of the events that the kept detail will no longer hold when it begins at `start` instead of `before` (µs), note
    what those of imports add up to, in the caller's transaction and lock."""
    imports = Import.objects.filter(first__lt=start).exclude(state=Import.State.UNDONE)
    first = imports.aggregate(first=Min("first"))["first"]
    if first is None:
        return
    first, zone = max(before or 0, first), settings.TIME_ZONE
    for day in range(local_day(first // SECOND_US, zone), local_day((start - 1) // SECOND_US, zone) + 1):
        edges = [edge * SECOND_US for edge in edges_of(day)]
        events = Event.objects.between(max(edges[0], first), min(edges[1], start)).filter(imported__isnull=False)
        note(day, events.measured("imported", "series_id"))


def note(day: int, rows: Iterable[tuple]):
    """Keep what imports added to a day: (import, series id, *COUNTED)."""
    ImportedDay.objects.bulk_create(
        ImportedDay(imported=id, bucket=day, series_id=series, **dict(zip(COUNTED, row, strict=True)))
        for id, series, *row in rows
    )
