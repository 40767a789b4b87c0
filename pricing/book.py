"""All prices in memory, for the writer and for re-costing: the rates that apply to some usage on a day."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from datetime import date
from functools import lru_cache
from typing import ClassVar, NamedTuple

from pricing.models.adjustments import Adjustment, Route, adjusted
from pricing.models.sets import PriceSet, RateCard, Revision, Scope
from pricing.precedence import begins, latest
from pricing.rates import Rates

# The context steps of a model without a price: those that prices are known to have, so that a price that comes later
# finds its labels in place.
LADDER = (32_000, 100_000, 128_000, 199_999, 200_000, 256_000, 272_000, 512_000, 524_288)
REMEMBERED = 10_000  # sets of labels, and names asked for; all are forgotten when there are more
CACHED_RATES = 100_000  # a process that runs for years meets a new day every day
EPOCH = date(1970, 1, 1).toordinal()
DAY_MINUTES = 24 * 60
MINUTE_US = 60_000_000


class Charged(NamedTuple):
    """What the price of some usage depends on, as columns of usage's series name it."""

    model_id: int
    requested_model: str
    tier: str
    context_over: int
    clock: int = 0  # minute of the UTC day, 1440 for midnight; 0: not known
    provider: str = ""
    auth_index: str = ""
    source: str = ""
    api_key: str = ""  # fingerprint of the client's key


Limits = tuple[tuple[int, ...], tuple[int, ...]]  # input sizes and minutes of the UTC day, ascending


class Found(NamedTuple):
    """What prices some usage on a day: the rates, and where they are from."""

    rates: Rates  # adjusted
    card: RateCard
    price_set: PriceSet  # whose card it is; of a tier that is priced only later, a later one than is in force
    adjustments: tuple[Adjustment, ...]
    tier_assumed: bool
    by_requested_name: bool


class PriceBook:
    """A snapshot of all prices; stale once Revision.current_stamp() differs from `stamp`."""

    _latest: ClassVar["PriceBook | None"] = None

    def __init__(self, stamp: int, price_sets, routes=(), adjustments=()):
        self.stamp = stamp
        self._sets, self._ids, self._steps, self._clocks = defaultdict(list), {}, defaultdict(set), defaultdict(set)
        for each in price_sets:
            self._add(each)
        self._sellers = {(route.provider, route.auth_index): route.seller for route in routes}
        self._adjustments = defaultdict(list)
        for each in adjustments:
            self._adjustments[each.scope, each.value].append(each)
        self._key_of = lru_cache(REMEMBERED)(self._find_key)
        self._found = lru_cache(CACHED_RATES)(self._find)
        self.limits = lru_cache(REMEMBERED)(self._find_limits)

    def _add(self, price_set):
        model, cards = price_set.model, price_set.cards.all()
        if price_set.is_manual or not model.catalogue_blocked:
            self._sets[model.pk, price_set.is_manual, *price_set.place].append(price_set)
        self._ids[model.name] = model.pk
        self._steps[model.pk] |= {card.context_over for card in cards} - {0}
        hours = {limit for card in cards for limit in (card.hours_from, card.hours_to) if limit is not None}
        # Midnight is 1440: 0 is the label of what was counted while hours did not matter.
        self._clocks[model.pk] |= {limit % DAY_MINUTES or DAY_MINUTES for limit in hours}

    @classmethod
    def current(cls) -> "PriceBook":
        """The prices as they are, the same book until they change; for callers that change none.

        Within a change of prices the stamp moves before the rows do: use load() there.
        """
        stamp = Revision.current_stamp()
        book = cls._latest  # read once: other threads set it too
        if not stamp or book is None or book.stamp != stamp:
            cls._latest = book = cls.load()
        return book

    @classmethod
    def load(cls) -> "PriceBook":
        """Read every price. The stamp comes first: rows newer than it only cost one more load."""
        stamp = Revision.current_stamp()
        sets = PriceSet.objects.select_related("model").prefetch_related("cards")
        return cls(stamp, sets, Route.objects.all(), Adjustment.objects.all())

    def rates(self, charged: Charged, day: int) -> Rates | None:
        """Rates of some usage on a local day (days since 1970-01-01); None when unpriced."""
        found = self.found(charged, day)
        return found and found.rates

    def standard_rates(self, model: str, day: int) -> Rates | None:
        """Rates of a model by name, whatever the provider, for small requests of the standard tier."""
        return self.rates(Charged(self._ids[model], model, "", 0), day) if model in self._ids else None

    def found(self, charged: Charged, day: int) -> Found | None:
        """What rates() reads, and where it is from."""
        return self._found(self._key_of(charged), day)

    def _find_limits(self, model_id: int, requested: str) -> Limits:
        """Where prices of a model, asked for by this name, change.

        A model without a price has the sizes of LADDER.
        """
        other = self._ids.get(requested, model_id)
        steps = {*self._steps.get(model_id, LADDER), *self._steps.get(other, ())}
        clocks = {*self._clocks.get(model_id, ()), *self._clocks.get(other, ())}
        return tuple(sorted(steps)), tuple(sorted(clocks))

    def labels(self, model_id: int, requested: str, input_context: int, timestamp: int) -> tuple[int, int]:
        """(context_over, clock) of a request: the largest step that its input exceeds, or 0, and the minute of the UTC
        day from which on prices are as they were at `timestamp` (µs); 0 where the hour does not matter.
        """
        steps, clocks = self.limits(model_id, requested)
        passed = bisect_left(steps, input_context)
        # Before the first of these minutes it is as after the last.
        clock = clocks[bisect_right(clocks, timestamp // MINUTE_US % DAY_MINUTES) - 1] if clocks else 0
        return steps[passed - 1] if passed else 0, clock

    @property
    def depends_on(self) -> tuple[str, ...]:
        """Fields of Charged that some price depends on; any other may be left empty."""
        scopes = {scope for _, _, scope, _ in self._sets} | {scope for scope, _ in self._adjustments}
        wanted = {name for scope in scopes for name in FIELDS_OF[scope]}
        if any(self._clocks.values()):
            wanted.add("clock")
        return tuple(name for place, name in enumerate(Charged._fields) if place < 4 or name in wanted)

    def _find_key(self, charged):
        """What of all that usage may be charged by some price really depends on: much usage shares it."""
        ids = dict.fromkeys((charged.model_id, self._ids.get(charged.requested_model, charged.model_id)))
        places = (
            (Scope.API_KEY.value, charged.api_key),
            (Scope.ACCOUNT.value, charged.source),
            (Scope.PROVIDER.value, charged.provider),
            (Scope.EVERYTHING.value, ""),
        )
        seller = self._sellers.get((charged.provider, charged.auth_index), "")
        offers = [(True, *place) for place in places] + [(False, Scope.SELLER.value, seller), (False, "", "")]
        ordered = tuple(tuple((id, *offer) for offer in offers if (id, *offer) in self._sets) for id in ids)
        adjusting = tuple(place for place in places if place in self._adjustments)
        clock = charged.clock % DAY_MINUTES if charged.clock else None  # at an hour that is not known
        return ordered, adjusting, charged.tier, charged.context_over, clock

    def _find(self, key, day):
        by_model, adjusting, tier, context_over, clock = key
        today = date.fromordinal(EPOCH + day)
        for place, offers in enumerate(by_model):
            sets = next((s for offer in offers if latest(s := self._sets[offer], today)), None)
            if sets is None:
                continue
            price_set, assumed = _of_tier(sets, today, tier)
            card = price_set.card_for(tier, context_over, clock)
            if card is None:
                continue
            applied = [latest(self._adjustments[where], today) for where in adjusting]
            applied = tuple(each for each in applied if each)
            rates = adjusted(card.rates, applied) if applied else card.rates
            return Found(rates, card, price_set, applied, assumed, place > 0)
        return None


FIELDS_OF = {  # the fields of Charged that a scope is about
    Scope.EVERYTHING: (),
    Scope.PROVIDER: ("provider",),
    Scope.ACCOUNT: ("source",),
    Scope.API_KEY: ("api_key",),
    Scope.SELLER: ("provider", "auth_index"),
}


def tells_apart(known: Limits, wanted: Limits) -> bool:
    """Whether labels made by the known limits tell apart everything that the wanted ones do."""
    return all(set(have).issuperset(need) for have, need in zip(known, wanted, strict=True))


def _of_tier(sets, today, tier):
    """The set in force, or the catalogue's first later one that knows the tier; and whether it is such a later one.

    A tier was sold before the catalogue learnt what it costs.
    """
    now = latest(sets, today)
    if tier and not now.is_manual and not now.has_tier(tier):
        later = [each for each in sets if begins(each) > today and each.has_tier(tier)]
        if later:
            return min(later, key=begins), True
    return now, False
