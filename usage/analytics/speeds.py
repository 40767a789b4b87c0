"""How fast answers came in all, from the histograms of each model: these add up, percentiles do not."""

from msgspec import Struct

from usage.analytics.latency import Latency, Percentiles, latency, percentiles
from usage.analytics.medians import over_time
from usage.ingest.durations import LATENCY, TTFT
from usage.query.filters import UsageFilter
from usage.query.snapshots import snapshot


class Speeds(Struct, frozen=True):
    """Of all models together; null medians where nothing was measured."""

    ttft: Percentiles
    latency: Percentiles


@snapshot()
def speeds(asked: UsageFilter) -> Speeds:
    """Medians and tails of a period, of the whole hours it touches."""
    counted = over_time(asked)
    if counted is None:
        return together(latency(asked))
    ttft, taken = ([counts for (_, each), counts in counted.items() if each == kind] for kind in (TTFT, LATENCY))
    return Speeds(_sum(ttft), _sum(taken))


def together(found: Latency) -> Speeds:
    """The models' histograms as one."""
    return Speeds(
        _sum([row.ttft.distribution for row in found.items]), _sum([row.latency.distribution for row in found.items])
    )


def _sum(rows):
    return percentiles([sum(column) for column in zip(*rows, strict=True)])
