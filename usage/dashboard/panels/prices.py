"""Prices as their page shows them: a row for each model, below it those of a provider, an account or a client key."""

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from django.db.models import Value
from django.db.models.functions import Coalesce, NullIf
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from aliases.models import ApiKey
from pricing.api.serializers import RATES
from pricing.api.shapes import DatedPrice, Price, PriceCard, ScopedPrice
from pricing.models import Adjustment, Scope
from pricing.precedence import begins, latest
from pricing.rates import DERIVED, PICO, usd
from usage.analytics.answers import Summary
from usage.dashboard import formats
from usage.models import Series
from usage.models.labels import LABELS
from usage.query.names import names_of
from usage.time.periods import day_number

RATE_SUFFIX = "_price_per_1m"  # of the API's names; the forms of the page have them without
CHOICES = 200  # of a kind
OFF_PEAK = "off_"  # before the names of the rates at some hours
ALL = 10**6  # days
SPANS = {7: _("7 days"), 30: _("30 days"), ALL: _("all history")}
MIDNIGHT = {"24:00": "00:00"}  # as a field for a time of the day has it
LABEL_OF = {Scope.PROVIDER.value: "provider", Scope.ACCOUNT.value: "source", Scope.API_KEY.value: "api_key"}
# The API's name of a rate, what people call it, and what it is when it is left empty; a blank one must be given.
TITLES = (
    ("prompt_price_per_1m", _("Input"), ""),
    ("completion_price_per_1m", _("Output"), ""),
    ("cache_price_per_1m", _("Cached"), _("as input")),
    ("cache_write_price_per_1m", _("Cache write"), _("as input")),
    ("cache_write_1h_price_per_1m", _("1-hour write"), _("as write")),
    ("reasoning_price_per_1m", _("Reasoning"), _("as output")),
    ("request_price", _("Fee per request"), _("none")),
)
_NAME_OF = {field.source: name for name, field in RATES.items()}
_BASE = {_NAME_OF[rate]: _NAME_OF[base] for rate, base in DERIVED.items()}


class Entry(NamedTuple):
    """A field of the form of a price; `hint` says what an empty one means."""

    name: str
    title: str | Promise
    rate: float | None
    hint: str | Promise
    required: bool = False
    most: int = 10_000


class PricedModel(NamedTuple):
    """A row: a model, its price of today (None: unpriced) and its usage in the period (None: unused).

    With `whose` it is the price of a provider, an account or a client key: the set in force, or the first to come.
    """

    model: str
    price: Price | None = None
    used: Summary | None = None
    dated: DatedPrice | None = None
    whose: str = ""

    @property
    def scope(self) -> str:
        """Whose usage it is for, as a form sends it."""
        return f"{self.dated.scope}:{self.dated.scope_value}" if self.dated and self.dated.scope else ""

    @property
    def rates(self) -> Price | PriceCard | None:
        """The price or the card that the rates of the row are from."""
        return self.card if self.whose else self.price

    @property
    def card(self) -> PriceCard | None:
        """The standard card as it was entered: a derived rate is None."""
        return next((card for card in self._cards if not _is_special(card) and not card.hours_from), None)

    @property
    def hours(self) -> list[PriceCard]:
        """The standard cards for some hours of the day."""
        return [card for card in self._cards if not _is_special(card) and card.hours_from]

    @property
    def unseen(self) -> int:
        """Cards that the form does not show, and that go when it is saved."""
        return len(self._cards) - len(self.hours[:1]) - (self.card is not None)

    @property
    def note(self) -> str:
        """What must be known of its price of today."""
        return self.dated.note if self.dated else ""

    @property
    def missing(self) -> bool:
        """Whether its usage costs nothing only because it has no price."""
        used = self.used is not None and bool(self.used.total_tokens or self.used.success)
        return self.price is None and not self.whose and used

    @property
    def fields(self) -> list[Entry]:
        """The form's fields of the rates at all hours."""
        return [
            _entry(name, title, getattr(self.card, name, None), hint, required=not hint) for name, title, hint in TITLES
        ]

    @property
    def off_peak(self) -> list[Entry]:
        """The form's fields of the rates at some hours; an empty one is as at all others."""
        hint = _("as else")
        return [_entry(OFF_PEAK + name, title, self._off_peak(name), hint) for name, title, *_rest in TITLES]

    @property
    def between(self) -> list[str]:
        """The hours that those are for."""
        card = next(iter(self.hours), None)
        return [MIDNIGHT.get(hour, hour) for hour in (card.hours_from, card.hours_to)] if card else ["", ""]

    @property
    def _cards(self):
        return self.dated.cards if self.dated else []

    def _off_peak(self, name):
        """As it was entered; where only the other card has a figure, what the rate is derived from here."""
        card = next(iter(self.hours), None)
        found = getattr(card, name, None)
        while card and found is None and name in _BASE and getattr(self.card, name, None) is not None:
            name = _BASE[name]
            found = getattr(card, name)
        return found


class Adjusted(NamedTuple):
    """A factor and a fee: whose, in words and as a form sends it, and whether they hold today."""

    adjustment: Adjustment
    whose: str
    state: str  # in force, ahead, past

    @property
    def scope(self) -> str:
        """Whose usage it is for, as a form sends it."""
        return f"{self.adjustment.scope}:{self.adjustment.value}"

    @property
    def factor(self) -> str:
        """Without trailing zeros."""
        return f"{self.adjustment.factor.normalize():f}"

    @property
    def fee(self) -> float | None:
        """USD for each success; None for none."""
        return usd(self.adjustment.request) or None

    @property
    def changes(self) -> bool:
        """Whether it makes anything cheaper or dearer than the list."""
        return self.adjustment.factor != 1 or bool(self.adjustment.request)


def rows_of(models: list[PricedModel], scoped: list[ScopedPrice]) -> list[PricedModel]:
    """Each model, and below it the prices that only some usage of it has."""
    names = names_of_places((price.scope, price.scope_value) for price in scoped)
    below = {}
    for price in scoped:
        dated = next((each for each in price.sets if each.in_force), price.sets[0])
        row = PricedModel(price.model, dated=dated, whose=names[price.scope, price.scope_value])
        below.setdefault(price.model, []).append(row)
    return [row for model in models for row in (model, *below.get(model.model, ()))]


def adjusted(today) -> list[Adjusted]:
    """All factors and fees, by whose they are and then by date."""
    found = {}
    for each in Adjustment.objects.all():
        found.setdefault((each.scope, each.value), []).append(each)
    names = names_of_places(found)
    return [
        Adjusted(each, names[place], _state(each, latest(rows, today), today))
        for place, rows in found.items()
        for each in rows
    ]


def choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """(title, [(as a form sends it, in words)]) of the providers, accounts and client keys that are known.

    Of more than CHOICES those that were met first.
    """
    providers = Series.objects.exclude(provider="").values_list("provider", "provider")
    accounts = Series.objects.exclude(source="").values_list("source", "source_display")
    keys = ApiKey.objects.real().annotate(shown=Coalesce(NullIf("alias", Value("")), "mask"))
    keys = keys.values_list("fingerprint", "shown")
    groups = ((Scope.PROVIDER, providers), (Scope.ACCOUNT, accounts), (Scope.API_KEY, keys))
    found = []
    for scope, pairs in groups:
        known = pairs.order_by().distinct()[:CHOICES]
        options = [(f"{scope.value}:{value}", shown or value) for value, shown in known]
        found.append((scope.label, sorted(options, key=lambda option: option[1].lower())))
    return [group for group in found if group[1]]


def typed(fields: list[Entry], asked) -> list[Entry]:
    """Fields as they were filled in before, where they were."""
    return [field._replace(rate=asked.get(field.name, field.rate)) for field in fields]


def spans(today: date) -> Callable[[int], int]:
    """The shortest of SPANS that a local day lies in, today being the last: for PriceHistory.effect_of."""
    number = day_number(today)
    return lambda day: next(span for span in SPANS if day > number - span)


def in_words(effect) -> str:
    """`7 days: $0 → $21.29, 30 days: $0 → $80.10`, of those spans that change; None: it was never used."""
    before = after = 0
    found = []
    for span in effect.months if effect else ():
        before, after = before + span.cost_before, after + span.cost_after
        if span.changes:
            found.append(f"{SPANS[span.month]}: {formats.usd(before / PICO)} → {formats.usd(after / PICO)}")
    return ", ".join(found) or gettext("No cost of the past changes.")


def _is_special(card):
    return card.tier or card.context_over


def _entry(name, title, rate, hint, required=False):
    most = 100 if name.endswith("request_price") else 10_000
    return Entry(name.removesuffix(RATE_SUFFIX), title, rate, hint, required, most)


def _state(adjustment, in_force, today):
    if adjustment is in_force:
        return "in force"
    return "ahead" if begins(adjustment) > today else "past"


def names_of_places(places):
    """{(scope, value): what people call it}."""
    values = {}
    for scope, value in places:
        values.setdefault(scope, set()).add(value)
    return {
        (scope, value): f"{Scope(scope).label} {shown}"
        for scope, of_scope in values.items()
        for value, (_key, shown) in names_of(LABELS[LABEL_OF[scope]], of_scope).items()
    }
