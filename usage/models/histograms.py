"""How long answers take, kept as counts in logarithmic buckets: they add up over hours and models, averages do not.

A bucket ends where the next begins, about 1.6 times later (preferred numbers: 1, 1.6, 2.5, 4, 6.3). A percentile read
from them is off by less than that factor, and by a few per cent where there are many values. Knows nothing of Django.
"""

from bisect import bisect_right
from collections.abc import Sequence
from math import ceil

# Where a bucket ends and the next begins, ms: 25 ms to 630 s.
EDGES = (
    *(25, 40, 63, 100, 160, 250, 400, 630),
    *(1_000, 1_600, 2_500, 4_000, 6_300, 10_000, 16_000, 25_000, 40_000, 63_000),
    *(100_000, 160_000, 250_000, 400_000, 630_000),
)
BUCKETS = len(EDGES) + 1
COUNTS = tuple(f"n{bucket:02}" for bucket in range(BUCKETS))  # the columns that hold them
SHORTEST = 1  # ms; 0 means that nothing was measured


def bucket_of(ms: int) -> int | None:
    """The bucket a duration falls in; None for 0, which is none."""
    return bisect_right(EDGES, ms) if ms >= SHORTEST else None


def bounds_of(bucket: int) -> tuple[int, int | None]:
    """The durations of a bucket in ms, half-open; the last one has no end."""
    return (EDGES[bucket - 1] if bucket else SHORTEST, EDGES[bucket] if bucket < len(EDGES) else None)


def percentile(counts: Sequence[int], percent: float) -> int | None:
    """The duration in ms that so many per cent do not exceed, None of nothing.

    Within a bucket durations are taken to be spread evenly on the logarithmic scale; in the last one, which has no
    end, they count as its beginning.
    """
    total = sum(counts)
    if not total:
        return None
    rank = max(1, ceil(total * percent / 100))
    for bucket, count in enumerate(counts):
        if rank <= count:
            return _between(*bounds_of(bucket), (rank - 0.5) / count)
        rank -= count
    raise ValueError("counts are never negative")


def _between(low, high, share):
    return low if high is None else round(low * (high / low) ** share)
