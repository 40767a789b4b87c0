"""A bill and our records, put together by day and model."""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from usage.reconcile.bills import Amounts, Bill
from usage.reconcile.naming import identity
from usage.time.periods import date_of

NOTHING = Amounts()
HALF_A_CENT = Decimal("0.005")


class Row(NamedTuple):
    """What both sides say about a model on a day, and the sentences of why they probably differ."""

    day: date | None  # None for all days together
    model: str  # how to show it
    ours: Amounts  # NOTHING where a side has nothing
    theirs: Amounts
    said: set[str]  # the fields of Amounts that the bill has anywhere
    reasons: tuple[str, ...] = ()

    @property
    def tokens(self) -> int | None:
        """How many more tokens the bill has; None where it counts none."""
        return self._more("total")

    @property
    def cost(self) -> Decimal | None:
        """How many more US dollars the bill has; None where a side does not know."""
        return self._more("cost")

    @property
    def agrees(self) -> bool:
        """Whether what can be compared is the same: tokens to the unit, money to the cent."""
        if self.cost is None and (self.theirs.cost or self.tokens is None):  # nothing to compare
            return False
        return not self.tokens and abs(self.cost or 0) < HALF_A_CENT

    def _more(self, name):
        if name not in self.said:
            return None
        ours, theirs = (0 if side == NOTHING else getattr(side, name) for side in (self.ours, self.theirs))
        return None if ours is None or theirs is None else theirs - ours


def rows_of(bill: Bill, ours: dict[tuple[int, str], Amounts]) -> list[Row]:
    """A row for each day and model that occur on either side; days in order, then by name."""
    said = {name for cell in bill.cells.values() for name, value in cell._asdict().items() if value is not None}
    with_models = any(model for _, model in bill.cells)
    shown: dict[str, str] = {}
    sides = []
    for cells in (ours, bill.cells):
        found: dict = defaultdict(Amounts)
        for (day, model), amounts in sorted(cells.items(), key=lambda item: len(item[0][1])):
            key = identity(model) if with_models else ""
            shown.setdefault(key, model if with_models else "")  # our name, the shortest of several
            found[day, key] += amounts
        sides.append(found)
    places = sorted({*sides[0], *sides[1]}, key=lambda place: (place[0], shown[place[1]]))
    return [
        Row(date_of(day), shown[key], *(side.get((day, key), NOTHING) for side in sides), said) for day, key in places
    ]


def together(rows: list[Row], model: str = "") -> Row:
    """The sums of some rows, as one without a day."""
    ours, theirs = (sum(side, NOTHING) for side in zip(*((row.ours, row.theirs) for row in rows), strict=True))
    return Row(None, model, ours, theirs, rows[0].said)
