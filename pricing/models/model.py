"""Models as upstreams bill them: the verbs by which their prices change."""

from collections.abc import Callable
from contextlib import contextmanager
from datetime import date

from django.db import models, transaction
from django.utils import timezone

from pricing.catalogue.listings import DatedCards, Listing, differ, refreshed, to_json
from pricing.models.entry import CatalogueEntry
from pricing.models.revision import Revision
from pricing.models.sets import Origin, PriceSet, RateCard, check_cards
from pricing.precedence import day_number, set_on, sets_in_force
from pricing.querysets import ModelQuerySet


class Rehearsed(Exception):
    """Ends a rehearsal in the place of re-costing, and with it the transaction; holds the prices there would be."""

    def __init__(self, book):
        super().__init__("a rehearsal writes nothing")
        self.book = book


class Model(models.Model):
    """A model as upstreams bill it, observed in a record or named by a person."""

    name = models.CharField(max_length=255, unique=True)
    catalogue_blocked = models.BooleanField(
        default=False, help_text="Its price was cleared by hand: the catalogue's does not come back by itself."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ModelQuerySet.as_manager()
    rehearsing = False

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name

    @contextmanager
    def repricing(self):
        """Change this model's sets or cards within: one transaction, after which its whole history is costed anew.

        The counter comes first, so that two changes cannot cross; then the rows; then re-costing, which takes the
        writer's lock. The writer takes that lock and only reads the counter, so neither can wait for the other.

        No savepoint of its own: for one, SQLite would keep in memory what every page changed held before.
        """
        from pricing.book import PriceBook

        with transaction.atomic(savepoint=False):
            Revision.bump()
            told_apart = set(PriceBook.load().steps(self.pk))
            yield
            book = PriceBook.load()
            if self.rehearsing:
                raise Rehearsed(book)
            # A label finer than the price needs finds the right card: only a step that none tells apart moves events.
            self.series.recost(book, relabels=not told_apart.issuperset(book.steps(self.pk)))

    def effect_of(self, change: Callable[["Model"], None]):
        """What a change of this model's prices would do to its costs: `change` is called with it, and undone whole."""
        double = type(self).objects.get(pk=self.pk)
        double.rehearsing = True
        try:
            with transaction.atomic():
                change(double)
        except Rehearsed as rehearsed:
            return self.series.effect_of(rehearsed.book)
        raise ValueError("the change changed no price")

    def set_price(self, rates: dict, valid_from: date | None = None):
        """Price every tier and context size by hand; `rates` are a RateCard's rate fields, in pico-USD per token.

        From a local date on, replacing that day's manual set if there is one. Without a date: the manual set in force
        today changes; where all of them lie ahead, one begins today; where there is none, one holds for all history.
        Catalogue sets are kept and step aside. Raises ValidationError, naming the field, before anything is written.
        """
        card = RateCard(**rates)
        card.full_clean(exclude=["price_set"])
        with self.repricing():
            self._manual_set(valid_from)._write_cards([card])

    def put_set(self, price_set: PriceSet, cards: list[RateCard]):
        """Save a set, new or altered, with exactly these unsaved cards; ValidationError before any is written."""
        for card in cards:
            card.full_clean(exclude=["price_set"])
        check_cards(cards)
        price_set.model = self
        price_set.full_clean()
        with self.repricing():
            price_set.save()
            price_set._write_cards(cards)

    def drop_set(self, price_set: PriceSet):
        """Do without one of this model's sets; what was before it, or nothing, is in force in its days."""
        with self.repricing():
            price_set.delete()

    def clear_price(self):
        """Leave the model unpriced: its manual sets go, and the catalogue's stay out of force until taken again."""
        with self.repricing():
            self.price_sets.filter(origin=Origin.MANUAL).delete()
            self.catalogue_blocked = True
            self.save(update_fields=["catalogue_blocked"])

    def copy_price(self, source: "Model"):
        """Cost, by hand, what another model costs today; as set_price without a date. ValueError if that has none."""
        sets = list(source.price_sets.prefetch_related("cards"))
        price_set = set_on(sets_in_force(sets, source.catalogue_blocked), day_number(timezone.localdate()))
        if price_set is None:
            raise ValueError(f"{source} has no price today.")
        cards = [RateCard(**card.listed._asdict()) for card in price_set.cards.all()]
        with self.repricing():
            self._manual_set(None)._write_cards(cards)

    def take_catalogue(self):
        """Price all history by what the catalogue says now; manual sets go, and so does the block of a clearing."""
        entry = CatalogueEntry.objects.filter(model=self).first()
        with self.repricing():
            self.price_sets.filter(origin=Origin.MANUAL).delete()
            self.catalogue_blocked = False
            self.save(update_fields=["catalogue_blocked"])
            if entry and entry.sets:
                self._write_catalogue(entry.dated_cards, entry.matched)
                CatalogueEntry.objects.filter(pk=entry.pk).update(corrects=False)

    def hear_catalogue(self, listing: Listing, version: str, today: date) -> CatalogueEntry:
        """Keep what the catalogue says, and follow it from today on; days gone by are only offered for correction.

        A model that never had a price of the catalogue takes all of it. Manual sets hide these as ever, a block holds,
        and prices once taken stay when the catalogue no longer lists the model.
        """
        stored = self.catalogue_sets()
        wanted = refreshed(stored, listing.sets, today) if listing.sets else stored
        with transaction.atomic():
            if differ(stored, wanted):
                with self.repricing():
                    self._write_catalogue(wanted, listing.matched)
            said = {"version": version, "matched": listing.matched, "reason": listing.reason[:500]}
            said |= {"sets": to_json(listing.sets), "corrects": bool(listing.sets) and differ(wanted, listing.sets)}
            return CatalogueEntry.objects.update_or_create(model=self, defaults=said)[0]

    def catalogue_sets(self) -> tuple[DatedCards, ...]:
        """The catalogue's sets as they are kept, oldest first, in force or not."""
        return tuple(s.dated_cards for s in self.price_sets.filter(origin=Origin.CATALOGUE).prefetch_related("cards"))

    def routes(self) -> set[str]:
        """CPA's providers over which it was reached."""
        return set(self.series.order_by().values_list("provider", flat=True).distinct())

    def _write_catalogue(self, sets, matched):
        """Make the catalogue's sets these; what is so already stays untouched."""
        wanted = {dated.valid_from: dated for dated in sets}
        for price_set in self.price_sets.filter(origin=Origin.CATALOGUE).prefetch_related("cards"):
            if price_set.dated_cards.same_as(wanted.get(price_set.valid_from)):
                del wanted[price_set.valid_from]
            else:
                price_set.delete()
        for dated in wanted.values():
            price_set = PriceSet(model=self, origin=Origin.CATALOGUE, valid_from=dated.valid_from)
            price_set.matched, price_set.note = matched[:255], dated.note
            price_set.save()
            price_set._write_cards([RateCard(**card._asdict()) for card in dated.cards])

    def _manual_set(self, valid_from):
        """The manual set that a change from this date on is written to, saved."""
        manual = self.price_sets.filter(origin=Origin.MANUAL)
        if valid_from is None and manual.exists():
            today = timezone.localdate()
            begun = manual.filter(models.Q(valid_from=None) | models.Q(valid_from__lte=today))
            if in_force := begun.order_by(models.F("valid_from").desc(nulls_last=True)).first():
                return in_force
            valid_from = today
        if same_day := manual.filter(valid_from=valid_from).first():
            return same_day
        price_set = PriceSet(model=self, origin=Origin.MANUAL, valid_from=valid_from)
        price_set.full_clean()
        price_set.save()
        return price_set
