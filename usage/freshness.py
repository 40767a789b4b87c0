"""What an answer about usage depends on besides the question: the same freshness, the same answer."""

from django.conf import settings

from aliases.models import Revision as AliasRevision
from catalog.models import Connection
from pricing.models import Revision as PriceRevision
from usage.filters import UsageFilter
from usage.ingest import now_us
from usage.models import DrainState
from usage.totals import QUARTER_US


def freshness(asked: UsageFilter) -> tuple:
    """Counters of data, prices, aliases and catalogue, the zone, and the filter with its period resolved.

    Read it before the answer: what changes in between then makes the answer too old, never too new. A period without
    an end shows gap-free time up to now, which adds a bucket at a quarter hour at the earliest.
    """
    data = DrainState.objects.filter(pk=1).values_list("data_version", flat=True).first() or 0
    until = now_us() // QUARTER_US if asked.period.end is None else None
    return (
        (data, PriceRevision.current(), AliasRevision.current(), Connection.current_revision()),
        (settings.TIME_ZONE, asked.period.start, asked.period.end, until, asked.query),
    )
