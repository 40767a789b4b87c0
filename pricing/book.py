"""All prices in memory, for the writer and for re-costing: the rates that apply to a model on a day."""

from bisect import bisect_left
from collections import defaultdict
from datetime import date
from functools import lru_cache
from typing import ClassVar

from pricing.models.sets import PriceSet, RateCard, Revision
from pricing.precedence import set_in_force
from pricing.rates import Rates

# The context steps of a model without a price: those that prices are known to have, so that a price that comes later
# finds its labels in place.
LADDER = (32_000, 100_000, 128_000, 199_999, 200_000, 256_000, 272_000, 512_000, 524_288)
CACHED_RATES = 100_000  # a process that runs for years meets a new day every day
EPOCH = date(1970, 1, 1).toordinal()


class PriceBook:
    """A snapshot of all prices; stale once Revision.current_stamp() differs from `stamp`."""

    _latest: ClassVar["PriceBook | None"] = None

    def __init__(self, stamp: int, price_sets):
        self.stamp = stamp
        self._sets = defaultdict(list)
        for price_set in price_sets:
            self._sets[price_set.model_id].append(price_set)
        self._steps = {
            model_id: tuple(sorted({card.context_over for s in sets for card in s.cards.all()} - {0}))
            for model_id, sets in self._sets.items()
        }
        self._cached_rates = lru_cache(CACHED_RATES)(self._rates)

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
        if not (sets := self._sets.get(model_id)):
            return None
        price_set = set_in_force(sets, sets[0].model.catalogue_blocked, date.fromordinal(EPOCH + day))
        return price_set and price_set.card_for(tier, context_over)

    def steps(self, model_id: int) -> tuple[int, ...]:
        """Context sizes at which some price of the model changes, ascending; LADDER while it has no price."""
        return self._steps.get(model_id, LADDER)

    def label(self, model_id: int, input_context: int) -> int:
        """The largest step that the tokens of a request's input exceed, or 0."""
        steps = self.steps(model_id)
        passed = bisect_left(steps, input_context)
        return steps[passed - 1] if passed else 0

    def _rates(self, *key):
        card = self.card(*key)
        return card and card.rates
