"""How fast answers came in all, from the histograms of each model: these add up, percentiles do not."""

from msgspec import Struct

from usage.filters import UsageFilter
from usage.histograms import percentile
from usage.latency import Latency, Percentiles, latency


class Speeds(Struct, frozen=True):
    """Of all models together; null medians where nothing was measured."""

    ttft: Percentiles
    latency: Percentiles


def speeds(asked: UsageFilter) -> Speeds:
    """Medians and tails of a period, of the whole hours it touches."""
    return together(latency(asked))


def together(found: Latency) -> Speeds:
    """The models' histograms as one."""
    return Speeds(_sum([row.ttft for row in found.items]), _sum([row.latency for row in found.items]))


def _sum(rows):
    counts = [sum(column) for column in zip(*(row.distribution for row in rows), strict=True)]
    p50, p95, p99 = (percentile(counts, percent) for percent in (50, 95, 99))
    return Percentiles(count=sum(counts), p50=p50, p95=p95, p99=p99, distribution=counts)
