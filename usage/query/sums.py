"""Sums of measures by key. Knows nothing of Django."""

from operator import add


def add_up(rows) -> dict[int | None, list[int]]:
    """Sum (key, measures) pairs by key."""
    sums: dict[int | None, list[int]] = {}
    for key, measures in rows:
        have = sums.get(key)
        sums[key] = list(measures) if have is None else list(map(add, have, measures))
    return sums


def less(rows, others) -> list[tuple[int, list[int]]]:
    """(key, measures) of rows, with those of others taken away; what is left of nothing is left out."""
    sums = add_up([*rows, *((key, [-value for value in row]) for key, row in others)])
    return [(key, row) for key, row in sums.items() if any(row)]
