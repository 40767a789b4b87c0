"""What an answer about usage depends on besides the question: the same freshness, the same answer."""

from functools import cache

from django.conf import settings
from django.db import connection
from django.db.models import F, Value

from aliases.models import Revision as AliasRevision
from catalog.models import Connection
from pricing.models import Revision as PriceRevision
from usage.models import DrainState
from usage.query.filters import UsageFilter
from usage.time.clock import now_us
from usage.time.units import QUARTER_US

COUNTERS = (
    (DrainState, "data_version"),
    (PriceRevision, "number"),
    (AliasRevision, "number"),
    (Connection, "revision"),
)


def freshness(asked: UsageFilter) -> tuple:
    """Counters of data, prices, aliases and catalogue, the zone, and the filter with its period resolved.

    Read it before the answer: what changes in between then makes the answer too old, never too new. A period without
    an end shows gap-free time up to now, which adds a bucket at a quarter hour at the earliest.
    """
    until = now_us() // QUARTER_US if asked.period.end is None else None
    return (counters(), (settings.TIME_ZONE, asked.period.start, asked.period.end, until, asked.query))


def counters() -> tuple[int, ...]:
    """The numbers of COUNTERS, 0 where nothing was counted yet, in one look at the database."""
    with connection.cursor() as cursor:
        cursor.execute(*_statement(connection.vendor))
        found = dict(cursor.fetchall())
    return tuple(found.get(place, 0) for place in range(len(COUNTERS)))


@cache
def _statement(vendor):
    """The statement and its parameters: whoever polls asks nothing else, and to make it takes longer than to run it."""
    first, *others = (
        model.objects.filter(pk=1)
        .order_by()
        .annotate(place=Value(place), number_of=F(field))
        .values_list("place", "number_of")
        for place, (model, field) in enumerate(COUNTERS)
    )
    return first.union(*others, all=True).query.sql_with_params()
