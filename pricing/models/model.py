"""Models as upstreams bill them: the verbs by which their prices change."""

import logging
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from datetime import date

import msgspec
from django.core.exceptions import ValidationError
from django.db import Error, models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from cpa_usage.queueing import queue_once
from pricing import book as books
from pricing.catalogue.listings import DatedCards, Listing, Offer, differ, refreshed
from pricing.history import price_history
from pricing.models.repricing import book_after, repricing
from pricing.models.scopes import Scope, value_in
from pricing.models.sets import CatalogueEntry, Origin, PriceSet, RateCard, check_cards
from pricing.precedence import begins, changed_from, set_in_force

log = logging.getLogger(__name__)

PRICE_MODELS = "pricing.tasks.price_models"


def queue_pricing():
    """Ask the task cluster to price new models now; a database that is away costs them minutes, no more."""
    try:
        queue_once(PRICE_MODELS)
    except Error as error:
        log.warning("New models are priced at the next look, every ten minutes: %s", str(error).strip().split("\n")[0])


class ModelQuerySet(models.QuerySet):
    """Models, priced or not."""

    def with_prices(self, today: date):
        """Adds `is_priced`, whether a price for all usage is in force on a local date, and reads all sets and cards."""
        begun = Q(price_sets__valid_from=None) | Q(price_sets__valid_from__lte=today)
        admitted = Q(price_sets__origin=Origin.MANUAL) | Q(price_sets__origin=Origin.CATALOGUE, catalogue_blocked=False)
        for_all = Q(price_sets__scope=Scope.EVERYTHING)
        priced = self.model.objects.filter(begun, admitted, for_all, pk=OuterRef("pk"))
        return self.annotate(is_priced=Exists(priced)).prefetch_related("price_sets__cards")

    def observe(self, names: Iterable[str]) -> dict[str, int]:
        """Ids of models by name; missing ones are created, also while another process creates them.

        Moves no revision: the writer calls this under its lock, and a new model has no price yet. The task cluster is
        asked for one as soon as the caller's transaction is committed; if that fails, the next periodic task finds it.
        """
        known = self._ids_of(names)
        if missing := sorted(set(names) - known.keys()):
            self.bulk_create([self.model(name=name) for name in missing], ignore_conflicts=True)
            known |= self._ids_of(missing)
            transaction.on_commit(queue_pricing, robust=True)
        return known

    def set_price(self, name: str, rates: dict, valid_from: date | None = None, **scope):
        """Price a model by name, observed or not; see Model.set_price.

        The row is committed first: the writer would wait for an uncommitted one, while it holds the lock that
        re-costing waits for.
        """
        self.get_or_create(name=name)[0].set_price(rates, valid_from, **scope)

    def set_cards(self, name: str, cards: "list[RateCard]", valid_from: date | None = None, **scope):
        """As set_price, with a card for each tier, context size and hour; see Model.set_cards."""
        self.get_or_create(name=name)[0].set_cards(cards, valid_from, **scope)

    def clear_price(self, name: str, **scope):
        """Clear the price of a model by name; nothing happens when there is no such model. See Model.clear_price."""
        for model in self.filter(name=name):
            model.clear_price(**scope)

    def _ids_of(self, names):
        return dict(self.filter(name__in=names).values_list("name", "id"))


class Model(models.Model):
    """A model as upstreams bill it, observed in a record or named by a person."""

    name = models.CharField(max_length=255, unique=True)
    catalogue_blocked = models.BooleanField(
        default=False, help_text="Its price was cleared by hand: the catalogue's does not come back by itself."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ModelQuerySet.as_manager()
    dry_run = False  # effect_of() sets it: what is changed will be rolled back, and history is not costed

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name

    @contextmanager
    def repricing(self):
        """Change this model's sets or cards within: one transaction, at whose end all its history is costed again."""
        with transaction.atomic(savepoint=False) if self.dry_run else repricing(self._recost):
            yield

    def effect_of(self, change: Callable[["Model"], None]):
        """What a change of this model's prices would do to its costs: `change` is called with it and rolled back."""
        copy = type(self).objects.get(pk=self.pk)
        copy.dry_run = True
        return price_history().effect_of(self, book_after(lambda: change(copy)))

    def set_price(self, rates: dict, valid_from: date | None = None, scope: str = "", scope_value: str = ""):
        """Price every tier and context size by hand; `rates` are a RateCard's rate fields, in pico-USD per token.

        From a local date on, replacing that day's manual set if there is one. Without a date: the manual set in force
        today changes; where all of them lie ahead, one begins today; where there is none, one holds for all history.
        Catalogue sets are kept but not in force. With a scope, the price is for a provider, an account or a client
        key, and comes before the one for all usage; a client key may be given as it is.
        Raises ValidationError, naming the field, before anything is written.
        """
        self.set_cards([RateCard(**rates)], valid_from, scope, scope_value)

    def set_cards(self, cards: list[RateCard], valid_from: date | None = None, scope: str = "", scope_value: str = ""):
        """As set_price, with exactly these unsaved cards."""
        _check(cards)
        price_set = PriceSet(model=self, valid_from=valid_from, scope=scope, scope_value=scope_value)
        price_set.clean_fields()
        price_set.clean()
        self._set_by_hand(cards, valid_from, price_set.place)

    def put_set(self, price_set: PriceSet, cards: list[RateCard]):
        """Save a set, new or altered, with exactly these unsaved cards; ValidationError before any is written."""
        _check(cards)
        price_set.model = self
        price_set.full_clean()
        with self.repricing():
            price_set.save()
            price_set.write_cards(cards)

    def drop_set(self, price_set: PriceSet):
        """Delete one of this model's sets; the set before it, if any, is in force on its days."""
        with self.repricing():
            price_set.delete()

    def clear_price(self, scope: str = "", scope_value: str = ""):
        """Drop the manual price for all usage, or for a provider, an account or a client key.

        Without one for all usage, the model is unpriced: the catalogue's stay out of force until taken again.
        """
        with self.repricing():
            self._manual_sets(scope, value_in(scope, scope_value)).delete()
            if not scope:
                self._block_catalogue(True)

    def copy_price(self, source: "Model"):
        """Cost, by hand, what another model, which has a price, costs today; as set_price without a date."""
        cards = source.set_in_force(timezone.localdate()).cards.all()
        self._set_by_hand([RateCard(**card.listed._asdict()) for card in cards])

    def take_catalogue(self):
        """Price all history by the catalogue as it is now; the manual price for all usage and a clearing's block go."""
        entry = CatalogueEntry.objects.filter(model=self).first()
        with self.repricing():
            self._manual_sets().delete()
            self._block_catalogue(False)
            if entry and (entry.sets or entry.offers):
                self._take(entry)

    def follow_catalogue(self, listing: Listing, version: str, today: date, routes: str = "") -> CatalogueEntry:
        """Keep what the catalogue says, and price by it from today on; for earlier days its figures are only offered.

        A model that never had a price of the catalogue takes all of it, and so does a seller that it is now known to
        be reached at: `routes` is another digest then. Manual sets hide these as ever, a block holds, and prices once
        taken stay when the catalogue no longer lists the model.
        """
        entry = CatalogueEntry.objects.filter(model=self).first() or CatalogueEntry(model=self)
        wanted = self._followed(listing, today, entry.routes != routes)
        changed = {offer.seller: offer for offer in wanted if differ(self.catalogue_sets(offer.seller), offer.sets)}
        with transaction.atomic():
            if changed:
                with self.repricing():
                    for offer in changed.values():
                        self._write_catalogue(offer)
            listed = {offer.seller: offer.sets for offer in (Offer("", "", listing.sets), *listing.offers)}
            corrects = any(listed[offer.seller] and differ(offer.sets, listed[offer.seller]) for offer in wanted)
            entry.version, entry.routes, entry.matched = version, routes, listing.matched
            entry.reason, entry.corrects = listing.reason[:500], corrects
            for name in ("sets", "offers", "candidates"):
                setattr(entry, name, msgspec.to_builtins(getattr(listing, name)))
            entry.save()
        return entry

    def choose(self, matched: str):
        """Price all history by one of the catalogue's candidates, named provider/id; later refreshes follow it.

        A manual price stays in force; a clearing's block goes. Raises ValidationError when it is no candidate.
        """
        entry = CatalogueEntry.objects.filter(model=self).first()
        offer = next((each for each in entry.choices if each.matched == matched), None) if entry else None
        if offer is None or not offer.sets:
            raise ValidationError({"matched": _("The catalogue names no such candidate with a price.")})
        entry.chosen = entry.matched = matched
        entry.reason, entry.sets = "", msgspec.to_builtins(offer.sets)
        with self.repricing():
            self._block_catalogue(False)
            self._take(entry)

    def forget_choice(self):
        """Leave the entry to the catalogue again: the chosen one's price for all usage goes until the next look."""
        with self.repricing():
            self._catalogue_sets().delete()
            fields = {"chosen": "", "matched": "", "sets": [], "version": "", "corrects": False}
            CatalogueEntry.objects.filter(model=self).update(**fields)
        if not self.dry_run:
            queue_pricing()

    def set_in_force(self, day: date) -> PriceSet | None:
        """The set for all usage that prices a local date. Reads all sets; prefetch `price_sets` for many models."""
        return set_in_force([s for s in self.price_sets.all() if not s.scope], self.catalogue_blocked, day)

    def catalogue_sets(self, seller: str = "") -> tuple[DatedCards, ...]:
        """The catalogue's sets for all usage, or of a seller, as they are stored, oldest first, in force or not."""
        return tuple(s.dated_cards for s in self._catalogue_sets(seller).prefetch_related("cards"))

    @property
    def followed(self) -> str:
        """The catalogue's entry, provider/id, that prices all usage now; "" without one. Asks the database."""
        price_set = max(self._catalogue_sets(), key=begins, default=None)
        return price_set.matched if price_set else ""

    def _recost(self, before, book):
        """A label finer than the price needs finds the right card: events move only for a limit that is new."""
        limits = self.pk, self.name
        relabel = not books.tells_apart(before.limits(*limits), book.limits(*limits))
        price_history().recost(self, book, relabel=relabel)

    def _manual_sets(self, scope="", scope_value=""):
        return self.price_sets.filter(origin=Origin.MANUAL, scope=scope, scope_value=scope_value)

    def _block_catalogue(self, blocked):
        self.catalogue_blocked = blocked
        self.save(update_fields=["catalogue_blocked"])

    def _catalogue_sets(self, seller=""):
        scope = Scope.SELLER if seller else Scope.EVERYTHING
        return self.price_sets.filter(origin=Origin.CATALOGUE, scope=scope, scope_value=seller)

    def _followed(self, listing, today, by_other_routes) -> list[Offer]:
        """The catalogue's sets as they are to be stored: for all usage, and of each seller with prices of its own."""
        stored = self.catalogue_sets()
        moved = by_other_routes and listing.matched != self.followed  # it never was what it was taken for
        usual = refreshed(() if moved else stored, listing.sets, today) if listing.sets else stored
        found = [Offer("", listing.matched, usual)]
        for offer in listing.offers:
            own = self.catalogue_sets(offer.seller)
            if not offer.sets or (not own and offer.matched == listing.matched):
                continue
            # Known to be reached at this seller only now, it always was; else its price was the usual one until today.
            sets = refreshed(own or (() if by_other_routes else stored), offer.sets, today)
            if own or differ(usual, sets):
                found.append(offer._replace(sets=sets))
        return found

    def _take(self, entry):
        """Make the catalogue's sets those of the entry, also for days gone by, and save it."""
        usual = entry.dated_cards
        for offer in (Offer("", entry.matched, usual), *entry.sellers_offers):
            if offer.seller and not differ(usual, offer.sets):
                self._catalogue_sets(offer.seller).delete()
            elif offer.sets:
                self._write_catalogue(offer)
        entry.corrects = False
        entry.save()

    def _write_catalogue(self, offer: Offer):
        """Make the catalogue's sets, of a seller or for all usage, these; one that is the same already stays."""
        wanted = {dated.valid_from: dated for dated in offer.sets}
        for price_set in self._catalogue_sets(offer.seller).prefetch_related("cards"):
            if price_set.dated_cards == wanted.get(price_set.valid_from):
                del wanted[price_set.valid_from]
            else:
                price_set.delete()
        scope = {"scope": Scope.SELLER, "scope_value": offer.seller} if offer.seller else {}
        for valid_from, dated in wanted.items():
            price_set = self.price_sets.create(
                origin=Origin.CATALOGUE, valid_from=valid_from, matched=offer.matched[:255], note=dated.note, **scope
            )
            price_set.write_cards([RateCard(**card._asdict()) for card in dated.cards])

    def _set_by_hand(self, cards, valid_from=None, place=("", "")):
        with self.repricing():
            self._manual_set(valid_from, *place).write_cards(cards)

    def _manual_set(self, valid_from, scope, scope_value):
        """The manual set that a change from this date on is written to, saved."""
        sets = {each.valid_from: each for each in self._manual_sets(scope, scope_value)}
        valid_from = valid_from or changed_from(sets.values(), timezone.localdate())
        if valid_from not in sets:
            price_set = PriceSet(model=self, valid_from=valid_from, scope=scope, scope_value=scope_value)
            price_set.full_clean()
            price_set.save()
            return price_set
        return sets[valid_from]


def _check(cards):
    """Refuse, with ValidationError, cards that are impossible, alone or together."""
    for card in cards:
        card.full_clean(exclude=["price_set"])
    check_cards(cards)
