"""A bill and our records, put together by day and model."""

from collections import defaultdict
from typing import NamedTuple

from usage.analytics.reconciliation.records import Recorded, Records, recorded
from usage.query.sums import add_up
from usage.reconcile.bills import Amounts, Bill, total
from usage.reconcile.naming import identity

HALF_A_CENT = 0.005


class Pair(NamedTuple):
    """What both sides say about a model on a day; None where a side says nothing. `day` is None for all days."""

    day: int | None
    model: str  # how to show it
    ours: Recorded | None
    theirs: Amounts | None
    said: set[str]  # the fields of Amounts that the bill has anywhere

    @property
    def tokens(self) -> int | None:
        """How many more tokens the bill has; None where it counts none."""
        return self._difference("total")

    @property
    def requests(self) -> int | None:
        """How many more requests the bill has; None where it counts none."""
        return self._difference("requests")

    @property
    def cost(self):
        """How many more US dollars the bill has; None where a side does not know."""
        return self._difference("cost")

    @property
    def agrees(self) -> bool:
        """Whether what can be compared is the same: tokens to the unit, money to the cent."""
        if self.ours is None or self.theirs is None or (self.theirs.cost and self.cost is None):
            return False
        compared = [each for each in (self.tokens, self.cost) if each is not None]
        return bool(compared) and not self.tokens and abs(self.cost or 0) < HALF_A_CENT

    def _difference(self, name):
        if name not in self.said:
            return None
        ours = getattr(self.ours.amounts, name) if self.ours else 0
        theirs = getattr(self.theirs, name) if self.theirs else 0
        return None if ours is None or theirs is None else theirs - ours


class Pairs(NamedTuple):
    """Pairs of each day and model, of each model, and the one of everything."""

    rows: list[Pair]
    models: list[Pair]
    total: Pair


def pairs_of(bill: Bill, ours: Records) -> Pairs:
    """All that occur on either side; days in order, then by name."""
    shown = _shown(bill, ours) if bill.with_models else {"": ""}
    key, said = identity if bill.with_models else lambda _: "", bill.said
    mine = add_up(((day, key(model)), measures) for (day, model), measures in ours.cells.items())
    theirs: dict = defaultdict(Amounts)
    for (day, model), amounts in bill.cells.items():
        theirs[day, key(model)] += amounts
    places = sorted({**mine, **theirs}, key=lambda place: (place[0] or 0, shown[place[1]]))

    def pair(day, model, places):
        """The sums of both sides over some places."""
        found = [mine[place] for place in places if place in mine]
        billed = [theirs[place] for place in places if place in theirs]
        summed = [sum(column) for column in zip(*found, strict=True)]
        return Pair(day, model, recorded(summed) if found else None, total(billed) if billed else None, said)

    by_model = defaultdict(list)
    for place in places:
        by_model[place[1]].append(place)
    return Pairs(
        rows=[pair(place[0], shown[place[1]], [place]) for place in places],
        models=[pair(None, shown[name], of_model) for name, of_model in by_model.items()],
        total=pair(None, "", places),
    )


def _shown(bill, ours):
    """How a model is called, by identity: as we do, else as the bill does; of several names the shortest."""
    found: dict[str, str] = {}
    for cells in (bill.cells, ours.cells):
        named = defaultdict(set)
        for _, model in cells:
            named[identity(model)].add(model)
        found |= {key: min(models, key=lambda model: (len(model), model)) for key, models in named.items()}
    return found
