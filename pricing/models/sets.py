"""Price sets, the rate cards in them, and the sets that the catalogue lists. Rates are integer pico-USD per token."""

import secrets
from collections.abc import Iterable
from datetime import date

import msgspec
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, StepValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cpa_usage.database import revisions
from pricing.catalogue.listings import Card, DatedCards, Listing
from pricing.hours import DAY_MINUTES, SLOT, shown_minute
from pricing.models.constraints import one_a_day, unique_with_null
from pricing.models.scopes import VALUE_HELP, Scope, checked_value
from pricing.precedence import begins, overridden, set_in_force
from pricing.rates import DERIVED, FEE_TOO_HIGH, MOST, MOST_FEE, NEGATIVE, TOO_HIGH, Rates, filled

RATE_VALIDATORS = [MinValueValidator(0, NEGATIVE), MaxValueValidator(MOST, TOO_HIGH)]
FEE_VALIDATORS = [MinValueValidator(0, NEGATIVE), MaxValueValidator(MOST_FEE, FEE_TOO_HIGH)]
DAY_VALIDATORS = [
    MinValueValidator(date(2000, 1, 1), _("No price is that old: leave the date empty for always.")),
    MaxValueValidator(date(2199, 12, 31), _("That date is too far away.")),
]


def first_day() -> models.DateField:
    """A column for the day from which a row holds."""
    help_text = "Local date; empty means always."
    return models.DateField(null=True, blank=True, validators=DAY_VALIDATORS, help_text=help_text)


class Tier(models.TextChoices):
    """The service tiers that have a price of their own."""

    STANDARD = "", "standard"
    FLEX = "flex"
    PRIORITY = "priority"
    BATCH = "batch"
    FAST = "fast", "fast (Claude)"


class Origin(models.TextChoices):
    """Where a price came from; a manual one hides the catalogue's from its date on."""

    MANUAL = "manual"
    CATALOGUE = "catalogue"


class Revision(revisions.Revision):
    """Counts the changes of prices: the writer reloads its cards when it moved."""

    stamp = models.BigIntegerField(
        default=0, help_text="Random, new with each change: no other state of prices has it."
    )

    @classmethod
    def current_stamp(cls) -> int:
        """Tells these prices from any others, those of a restored backup included; 0 before the first change."""
        return cls.objects.filter(pk=1).values_list("stamp", flat=True).first() or 0

    @classmethod
    def bump(cls):
        """Count one more change and draw a new stamp."""
        super().bump(stamp=secrets.randbits(62) + 1)


class PriceSet(models.Model):
    """All rates of a model from a local date on, until the next set begins."""

    model = models.ForeignKey("pricing.Model", models.CASCADE, related_name="price_sets")
    valid_from = first_day()
    origin = models.CharField(max_length=16, choices=Origin, default=Origin.MANUAL)
    scope = models.CharField(max_length=16, choices=Scope, blank=True, default=Scope.EVERYTHING)
    scope_value = models.CharField(max_length=255, blank=True, help_text=VALUE_HELP)
    matched = models.CharField(max_length=255, blank=True, help_text="Catalogue's provider and id.")
    note = models.CharField(max_length=255, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["model", models.F("valid_from").asc(nulls_first=True), "origin"]
        constraints = one_a_day(
            ["model", "origin", "scope", "scope_value"],
            ("one_set_per_day_and_origin", "one_set_for_always_and_origin"),
            "The model has a price",
        )

    def __str__(self):
        of = gettext(" for %s") % self.whose if self.scope else ""
        since = gettext("from %s") % self.valid_from if self.valid_from else gettext("from always")
        return f"{self.model}{of} {since} ({gettext(self.origin)})"

    def clean(self):
        """The scope's value as records name it."""
        self.scope_value = checked_value(self.scope, self.scope_value, "scope_value")

    @property
    def dated_cards(self) -> DatedCards:
        """Its cards as a catalogue would list them."""
        return DatedCards(self.valid_from, tuple(card.listed for card in self.cards.all()), self.note)

    @property
    def whose(self) -> str:
        """The usage it is for, in words."""
        return f"{self.get_scope_display()} {self.scope_value}".strip()

    @property
    def is_manual(self) -> bool:
        """Whether a person set it, by page or API."""
        return self.origin == Origin.MANUAL

    @property
    def state(self) -> str:
        """in force (today), ahead, past, or overridden: the catalogue's, kept out of force on some of its days."""
        today, sets = timezone.localdate(), self.rivals(self.model.price_sets.all())
        if set_in_force(sets, self.model.catalogue_blocked, today) == self:
            return "in force"
        if self in overridden(sets, self.model.catalogue_blocked):
            return "overridden"
        return "ahead" if begins(self) > today else "past"

    @property
    def place(self) -> tuple[str, str]:
        """(scope, its value): sets of one place follow each other by date."""
        return self.scope, self.scope_value

    def rivals(self, sets: Iterable["PriceSet"]) -> list["PriceSet"]:
        """Those of its model's sets that are for the same usage, or may hide it: manual ones any of the catalogue."""
        hides = Origin.MANUAL, Scope.EVERYTHING.value, ""
        return [s for s in sets if s.place == self.place or (not self.is_manual and (s.origin, *s.place) == hides)]

    def has_tier(self, tier: str) -> bool:
        """Whether it has cards of this tier."""
        return any(card.tier == tier for card in self.cards.all())

    @property
    def base(self) -> "RateCard | None":
        """The standard card of small requests; one for all hours before one for some."""
        cards = [card for card in self.cards.all() if card.tier == Tier.STANDARD and not card.context_over]
        return min(cards, key=lambda card: card.hours_from is not None, default=None)

    def card_for(self, tier: str, context_over: int, clock: int | None = 0):
        """The card of a tier (the standard one where it has none) at a minute of the UTC day (None: any), or None.

        A card for these hours counts before one for all hours, then the one with the largest step up to the label.
        """
        cards = self.cards.all()
        in_tier = [c for c in cards if c.tier == tier] or [c for c in cards if c.tier == Tier.STANDARD]
        reached = [c for c in in_tier if c.context_over <= context_over and c.holds_at(clock)]
        return max(reached, key=lambda card: (card.hours_from is not None, card.context_over), default=None)

    def write_cards(self, cards: "list[RateCard]"):
        """Replace all cards by these unsaved ones. For the verbs of Model, which save the set and re-cost history."""
        self.cards.all().delete()
        for card in cards:
            card.price_set = self
        RateCard.objects.bulk_create(cards)


def _optional_rate(name):
    help_text = f"Empty: the {DERIVED[name]} rate."
    return models.BigIntegerField(null=True, blank=True, validators=RATE_VALIDATORS, help_text=help_text)


def _minute_of_day(help_text):
    validators = [MinValueValidator(0), MaxValueValidator(DAY_MINUTES), StepValueValidator(SLOT)]
    return models.IntegerField(null=True, blank=True, validators=validators, help_text=help_text)


class RateCard(models.Model):
    """The rates of one tier and context size, at some hours or all; an empty rate is the one it derives from."""

    price_set = models.ForeignKey(PriceSet, models.CASCADE, related_name="cards")
    tier = models.CharField(max_length=16, choices=Tier, blank=True, default=Tier.STANDARD)
    context_over = models.BigIntegerField(
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(10**9)],
        help_text="Applies when the input holds more tokens than this.",
    )
    hours_from = _minute_of_day("First minute of the UTC day it holds in; empty: all day.")
    hours_to = _minute_of_day("The minute of the UTC day at which it ends, perhaps of the next day.")
    prompt = models.BigIntegerField(validators=RATE_VALIDATORS, help_text="Pico-USD per uncached input token.")
    completion = models.BigIntegerField(validators=RATE_VALIDATORS, help_text="Pico-USD per output token.")
    cache_read = _optional_rate("cache_read")
    cache_write = _optional_rate("cache_write")
    cache_write_1h = _optional_rate("cache_write_1h")
    reasoning = _optional_rate("reasoning")
    request = models.BigIntegerField(
        null=True, blank=True, validators=FEE_VALIDATORS, help_text="Pico-USD for each success. Empty: none."
    )

    class Meta:
        ordering = ["tier", "context_over", "hours_from"]
        constraints = unique_with_null(
            ["price_set", "tier", "context_over"],
            "hours_from",
            {
                "one_card_per_tier_and_step": "The set has a card of this tier, context size and hour already.",
                "one_card_for_all_hours": "The set has a card of this tier and context size already.",
            },
        )

    def __str__(self):
        over = gettext(" over %s tokens") % f"{self.context_over:,}" if self.context_over else ""
        return gettext(self.tier or "standard") + over + (f" {self.hours} UTC" if self.hours else "")

    def holds_at(self, clock: int | None) -> bool:
        """Whether it is for this minute of the UTC day; None: for every one."""
        if self.hours_from is None or self.hours_to is None:
            return True
        if clock is None:
            return False
        if self.hours_from < self.hours_to:
            return self.hours_from <= clock < self.hours_to
        return clock >= self.hours_from or clock < self.hours_to

    @property
    def hours(self) -> str:
        """The hours (UTC) it is for, such as 01:00-04:00; empty: all."""
        if self.hours_from is None:
            return ""
        return f"{shown_minute(self.hours_from)}-{shown_minute(self.hours_to)}"

    @property
    def listed(self) -> Card:
        """The card as a catalogue would list it."""
        return Card(*(getattr(self, name) for name in Card._fields))

    @property
    def rates(self) -> Rates:
        """Every rate, derived ones filled in."""
        return filled({name: getattr(self, name) for name in Rates._fields})


class CatalogueEntry(models.Model):
    """The catalogue's answer about one model, by the version of the catalogue that gave it."""

    model = models.OneToOneField("pricing.Model", models.CASCADE, related_name="catalogue")
    version = models.CharField(max_length=64, help_text="Of the catalogue that was asked.")
    matched = models.CharField(max_length=255, blank=True, help_text="Catalogue's provider and id.")
    reason = models.CharField(max_length=500, blank=True, help_text="Why it has no price there.")
    sets = models.JSONField(default=list, blank=True, help_text="DatedCards as plain values.")
    offers = models.JSONField(default=list, blank=True, help_text="Of the sellers it was reached at, as plain values.")
    candidates = models.JSONField(default=list, blank=True, help_text="Offers among which a person can choose.")
    chosen = models.CharField(max_length=255, blank=True, help_text="The entry that a person has chosen.")
    routes = models.CharField(max_length=32, blank=True, help_text="Digest of the routes it was asked about.")
    corrects = models.BooleanField(
        default=False, help_text="Its figures for days gone by differ from those the history is costed with."
    )
    asked_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "catalogue entries"

    def __str__(self):
        return self.matched or (self.reason and gettext(self.reason))

    @property
    def listing(self) -> Listing:
        """What the catalogue said."""
        return msgspec.convert([getattr(self, name) for name in Listing._fields], Listing)


def check_cards(cards: list[RateCard]):
    """Refuse, with ValidationError, a set whose cards collide or leave a request of some size or hour unpriced."""
    check_hours(cards)
    places = [(card.tier, card.context_over, card.hours_from) for card in cards]
    if len(set(places)) < len(places):
        raise ValidationError({"context_over": _("Two cards have the same tier and context size.")})
    for tier in {Tier.STANDARD.value} | {place[0] for place in places}:
        if (tier, 0, None) not in places:
            sentence = _("The %(tier)s tier needs a card over 0 tokens.")
            raise ValidationError({"context_over": sentence % {"tier": tier or "standard"}})


def check_hours(cards: list[RateCard]):
    """Refuse, with ValidationError, hours without a beginning or an end, and two cards for the same hours."""
    taken = set()
    for card in cards:
        if (card.hours_from is None) != (card.hours_to is None):
            raise ValidationError({"hours_to": _("Hours have a beginning and an end.")})
        if card.hours_from is None:
            continue
        if card.hours_from % DAY_MINUTES == card.hours_to % DAY_MINUTES:
            raise ValidationError(
                {"hours_to": _("Hours end at another time than they begin: leave both empty for all.")}
            )
        held = {(card.tier, card.context_over, slot) for slot in range(0, DAY_MINUTES, SLOT) if card.holds_at(slot)}
        if taken & held:
            raise ValidationError({"hours_from": _("Two cards of one tier and context size hold at the same hour.")})
        taken |= held
