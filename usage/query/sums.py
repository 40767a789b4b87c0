"""Sums of measures by key. Knows nothing of Django."""

from operator import add


def add_up(rows) -> dict[int | None, list[int]]:
    """Sum (key, measures) pairs by key."""
    sums: dict[int | None, list[int]] = {}
    for key, measures in rows:
        have = sums.get(key)
        sums[key] = measures if have is None else list(map(add, have, measures))
    return sums
