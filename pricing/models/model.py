"""Models as upstreams bill them: the verbs by which their prices change."""

from collections.abc import Callable, Iterable
from contextlib import contextmanager
from datetime import date

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from pricing.catalogue.listings import DatedCards
from pricing.history import price_history
from pricing.models.following import FollowsCatalogue
from pricing.models.repricing import book_after, repricing
from pricing.models.scopes import Scope, value_in
from pricing.models.sets import Origin, PriceSet, RateCard, check_cards
from pricing.precedence import changed_from, set_in_force
from pricing.queueing import queue_pricing


class ModelQuerySet(models.QuerySet):
    """Models, priced or not."""

    def with_prices(self, today: date):
        """Adds `is_priced`, whether Model.set_in_force has one on a local date, and reads all sets and cards."""
        begun = Q(price_sets__valid_from=None) | Q(price_sets__valid_from__lte=today)
        admitted = Q(price_sets__origin=Origin.MANUAL) | Q(price_sets__origin=Origin.CATALOGUE, catalogue_blocked=False)
        for_all = Q(price_sets__scope__in=[Scope.EVERYTHING, Scope.SELLER])
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

    def untouched(self):
        """Those about which a person has said nothing: no price by hand, none cleared, no catalogue's entry chosen."""
        by_hand = PriceSet.objects.filter(model=OuterRef("pk"), origin=Origin.MANUAL)
        return self.filter(~Exists(by_hand), catalogue_blocked=False).exclude(catalogue__chosen__gt="")

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


class Model(FollowsCatalogue, models.Model):
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

    def effect_of(self, change: Callable[["Model"], None], name=None):
        """What a change of this model's prices would do to its costs: `change` is called with it and rolled back.

        `name`: see PriceHistory.
        """
        copy = type(self).objects.get(pk=self.pk)
        copy.dry_run = True
        return price_history().effect_of(self, book_after(lambda: change(copy)), name)

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
        new = PriceSet(model=self, valid_from=valid_from, scope=scope, scope_value=scope_value)
        new.clean_fields()
        new.clean()
        with self.repricing():
            sets = {each.valid_from: each for each in self._manual_sets(*new.place)}
            new.valid_from = valid_from or changed_from(sets.values(), timezone.localdate())
            price_set = sets.get(new.valid_from, new)
            price_set.save()
            price_set.write_cards(cards)

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

    def manual_price(self, scope: str = "", scope_value: str = "") -> tuple[list[DatedCards], bool]:
        """The manual sets of a place, and whether the catalogue's are out of force: what put_back() takes."""
        sets = self._manual_sets(scope, value_in(scope, scope_value)).prefetch_related("cards")
        return [price_set.dated_cards for price_set in sets], self.catalogue_blocked

    def put_back(self, dated: list[DatedCards], blocked: bool, scope: str = "", scope_value: str = ""):
        """Make the manual price of a place what manual_price() said that it was."""
        place = {"scope": scope, "scope_value": value_in(scope, scope_value)}
        with self.repricing():
            self._block_catalogue(blocked)
            self._write_sets(dated, origin=Origin.MANUAL, **place)

    def copy_price(self, source: "Model"):
        """Cost, by hand, what another model, which has a price, costs today; as set_price without a date."""
        cards = source.set_in_force(timezone.localdate()).cards.all()
        self.set_cards([RateCard(**card.listed._asdict()) for card in cards])

    def set_in_force(self, day: date) -> PriceSet | None:
        """The set for all usage that prices a local date; without one, that of the first seller with one.

        Reads all sets; prefetch `price_sets` for many models.
        """
        sold = [s for s in self.price_sets.all() if s.scope in {Scope.EVERYTHING, Scope.SELLER}]
        for seller in sorted({s.scope_value for s in sold}):  # '' is all usage
            found = set_in_force([s for s in sold if s.scope_value == seller], self.catalogue_blocked, day)
            if found:
                return found
        return None

    def _recost(self, before, book):
        price_history().recost(self, book, before)

    def _manual_sets(self, scope="", scope_value=""):
        return self.price_sets.filter(origin=Origin.MANUAL, scope=scope, scope_value=scope_value)

    def _block_catalogue(self, blocked):
        self.catalogue_blocked = blocked
        self.save(update_fields=["catalogue_blocked"])


def _check(cards):
    """Refuse, with ValidationError, cards that are impossible, alone or together."""
    for card in cards:
        card.full_clean(exclude=["price_set"])
    check_cards(cards)
