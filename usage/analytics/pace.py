"""How fast requests come: in the last minute, and in the busiest quarter hour that a period's grid shows."""

from typing import Annotated

from django.db.models import Count, Sum
from msgspec import Meta, Struct

from usage.analytics.answers import Overview
from usage.models import Event
from usage.query.filters import UsageFilter
from usage.time.clock import now_us
from usage.time.units import SECOND_US

MINUTE_US = 60 * SECOND_US
MINUTES = 15  # of a quarter hour


class Pace(Struct, frozen=True):
    """Requests and tokens a minute."""

    rpm: Annotated[int, Meta(description="Attempts that began in the last 60 s.")]
    tpm: int


class Peak(Struct, frozen=True):
    """The busiest quarter hour."""

    rpm: Annotated[float, Meta(description="Attempts a minute, on average over it.")]
    bucket: Annotated[str, Meta(description="Its start.")]


def pace(filters: UsageFilter) -> Pace:
    """Of the last minute, in any period."""
    recent = Event.objects.between(now_us() - MINUTE_US, None).matching(filters)
    return Pace(**recent.aggregate(rpm=Count("id"), tpm=Sum("total", default=0)))


def peak(found: Overview) -> Peak | None:
    """The busiest cell of the grid; None while it is empty."""
    busiest = max((cell for row in found.health_grid for cell in row), key=lambda cell: cell.total, default=None)
    return Peak(busiest.total / MINUTES, busiest.bucket) if busiest and busiest.total else None
