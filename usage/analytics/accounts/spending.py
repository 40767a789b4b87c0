"""What accounts spent in quarters of an hour, and in the first minutes of windows that begin within one."""

from usage.analytics.accounts.credentials import QUARTERS_AT_ONCE, Spent
from usage.models import MEASURES, Event, Series
from usage.query.partial import priced
from usage.query.sums import add_up
from usage.time.units import QUARTER_S, QUARTER_US, SECOND_US

COST = MEASURES.index("cost")
FirstCosts = dict[str, list[tuple[int, int]]]  # by auth_index (µs, pico-USD) of attempts


def merged(spent: dict[tuple[str, str], Spent], wanted) -> Spent:
    """What the wanted ones, by (source, auth_index), spent together."""
    return add_up(each for one in wanted for each in spent.get(one, {}).items())


def first_costs(indexes: set[str], begun: set[int]) -> FirstCosts:
    """What the attempts of accounts cost in the quarter hours in which windows began (µs)."""
    starts = sorted({at // QUARTER_US * QUARTER_S for at in begun if at % QUARTER_US})
    events, found, rows = Event.objects.filter(series__auth_index__among=sorted(indexes)), {}, []
    for first in range(0, len(starts), QUARTERS_AT_ONCE):
        rows += priced(events.of_quarters(starts[first : first + QUARTERS_AT_ONCE]), "timestamp", SECOND_US)
    index_of = dict(Series.objects.filter(id__among=sorted({row[1] for row in rows})).values_list("id", "auth_index"))
    for at, series, measures in rows:
        found.setdefault(index_of[series], []).append((at, measures[COST]))
    return found


def spent_since(begun: int, seen_at: int, quarters: Spent, firsts: list[tuple[int, int]]) -> int:
    """Pico-USD from a moment (µs) to the end of the quarter hour of another; `firsts` of the one in which it began."""
    first = -(-begun // QUARTER_US) * QUARTER_S
    whole = sum(cost for quarter, (_, _, cost) in quarters.items() if first <= quarter <= seen_at // SECOND_US)
    return whole + sum(cost for at, cost in firsts if begun <= at < first * SECOND_US)
