"""All prices in memory, for the writer and for re-costing: the rates that apply to a model on a day."""

from bisect import bisect_left
from collections import defaultdict
from functools import lru_cache
from typing import ClassVar

from pricing.models.revision import Revision
from pricing.models.sets import PriceSet, RateCard
from pricing.precedence import DayRange, set_on, sets_in_force
from pricing.rates import Rates

# The context steps of a model without a price: those that prices are known to have, so that a price that comes later
# finds its labels in place.
LADDER = (32_000, 100_000, 128_000, 199_999, 200_000, 256_000, 272_000, 512_000, 524_288)
UNPRICED = [DayRange(None, None, None)]
CACHED_RATES = 100_000  # a process that runs for years meets a new day every day


class PriceBook:
    """A snapshot of all prices; stale once Revision.current_stamp() differs from `stamp`."""

    _latest: ClassVar["PriceBook | None"] = None

    def __init__(self, stamp: int, price_sets):
        self.stamp = stamp
        self._ranges, self._steps = {}, {}
        self._cached_rates = lru_cache(CACHED_RATES)(self._rates)
        by_model = defaultdict(list)
        for price_set in price_sets:
            by_model[price_set.model_id].append(price_set)
        for model_id, sets in by_model.items():
            self._ranges[model_id] = sets_in_force(sets, sets[0].model.catalogue_blocked)
            self._steps[model_id] = tuple(sorted({c.context_over for s in sets for c in s.cards.all()} - {0}))

    @classmethod
    def current(cls) -> "PriceBook":
        """The prices as they are, the same book until they change; for callers that change none.

        Within a change of prices the stamp moves before the rows do: use load() there.
        """
        stamp = Revision.current_stamp()
        if not stamp or cls._latest is None or cls._latest.stamp != stamp:
            cls._latest = cls.load()
        return cls._latest

    @classmethod
    def load(cls) -> "PriceBook":
        """Read every price. The stamp comes first: rows newer than it only cost one more load."""
        stamp = Revision.current_stamp()
        return cls(stamp, PriceSet.objects.select_related("model").prefetch_related("cards"))

    def rates(self, model_id: int, day: int, tier: str, context_over: int) -> Rates | None:
        """Rates of a model on a local day (days since 1970-01-01) for a tier and context label; None when unpriced."""
        return self._cached_rates(model_id, day, tier, context_over)

    def card(self, model_id: int, day: int, tier: str, context_over: int) -> RateCard | None:
        """The rate card that rates() reads, with its `price_set`."""
        price_set = set_on(self.sets_in_force(model_id), day)
        return price_set and price_set.card_for(tier, context_over)

    def steps(self, model_id: int) -> tuple[int, ...]:
        """Context sizes at which some price of the model changes, ascending; LADDER while it has no price."""
        return self._steps.get(model_id, LADDER)

    def label(self, model_id: int, input_context: int) -> int:
        """The largest step that the tokens of a request's input exceed, or 0."""
        steps = self.steps(model_id)
        passed = bisect_left(steps, input_context)
        return steps[passed - 1] if passed else 0

    def sets_in_force(self, model_id: int) -> list[DayRange]:
        """Ranges that cover all days, in order, each with its PriceSet or None."""
        return self._ranges.get(model_id, UNPRICED)

    def spans(self, model_id: int) -> list[tuple[int | None, int | None]]:
        """(first day, last day) within which the model's prices do not change; together they cover all days."""
        return [(days.first, days.last) for days in self.sets_in_force(model_id)]

    def _rates(self, *key):
        card = self.card(*key)
        return card and card.rates
