"""How a model follows the price catalogue: its price sets for all usage, and those of sellers that ask other prices."""

from datetime import date

import msgspec
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from pricing.catalogue.listings import DatedCards, Listing, Offer, differ, refreshed
from pricing.models.scopes import Scope
from pricing.models.sets import CatalogueEntry, Origin, PriceSet, RateCard, Revision
from pricing.precedence import begins, latest
from pricing.queueing import queue_pricing

OF_CHOICE = ("chosen", "matched", "reason", "sets", "corrects")  # fields of an entry that choosing changes


class FollowsCatalogue:
    """The part of Model that is about the catalogue."""

    def take_catalogue(self):
        """Price all history by the catalogue as it is now; the manual price for all usage and a clearing's block go."""
        with self.repricing():
            entry = CatalogueEntry.objects.filter(model=self).first()  # within: another may choose meanwhile
            self._manual_sets().delete()
            self._block_catalogue(False)
            if entry and (entry.sets or entry.offers):
                self._take(entry)

    def follow_catalogue(
        self, listing: Listing, version: str, today: date, routes: str = "", chosen: str = ""
    ) -> CatalogueEntry:
        """Keep what the catalogue says, and price by it from today on; for earlier days its figures are only offered.

        A model that never had a price of the catalogue takes all of it, and so does a seller that it is now known to
        be reached at: `routes` is another digest then. Manual sets hide these as ever, a block holds, and prices once
        taken stay when the catalogue no longer lists the model. Where a person has chosen another entry than the one
        `chosen` when it was looked up, nothing is written: its version stays, so that it is looked up again.
        """
        with transaction.atomic():
            Revision.hold()  # before anything is read: a person may choose, or take the catalogue's prices, meanwhile
            known = CatalogueEntry.objects.filter(model=self).first() or CatalogueEntry(model=self)
            if known.chosen != chosen:
                return known
            wanted = self._followed(listing, today, known.routes != routes)
            unwritten = [offer for offer in wanted if differ(self.catalogue_sets(offer.seller), offer.sets)]
            if unwritten:
                with self.repricing():
                    for offer in unwritten:
                        self._write_catalogue(offer)
            offers = (Offer("", "", listing.sets), *listing.offers)
            self._write_notes(offers)
            listed = {offer.seller: offer.sets for offer in offers}
            corrects = any(listed[offer.seller] and differ(offer.sets, listed[offer.seller]) for offer in wanted)
            values = msgspec.to_builtins(listing._asdict()) | {"reason": listing.reason[:500]}
            values |= {"version": version, "routes": routes, "corrects": corrects}
            return CatalogueEntry.objects.update_or_create(model=self, defaults=values)[0]

    def choose(self, matched: str):
        """Price all history by one of the catalogue's candidates, named provider/id; later refreshes follow it.

        A manual price stays in force; a clearing's block goes. Raises ValidationError when it is no candidate.
        """
        with self.repricing():
            entry = CatalogueEntry.objects.filter(model=self).first()
            candidates = entry.listing.candidates if entry else ()
            offer = next((each for each in candidates if each.matched == matched), None)
            if offer is None or not offer.sets:
                raise ValidationError({"matched": _("The catalogue names no such candidate with a price.")})
            entry.chosen = entry.matched = matched
            entry.reason, entry.sets = "", msgspec.to_builtins(offer.sets)
            self._block_catalogue(False)
            self._take(entry)

    def choice(self) -> tuple[dict, list[Offer], bool]:
        """What the catalogue's entry says, the sets that were taken, and whether they are out of force.

        What put_choice_back() takes.
        """
        taken: dict[str, list[PriceSet]] = {}
        for each in self.price_sets.filter(origin=Origin.CATALOGUE).prefetch_related("cards"):
            taken.setdefault(each.scope_value, []).append(each)
        offers = [Offer(s, sets[-1].matched, tuple(each.dated_cards for each in sets)) for s, sets in taken.items()]
        entry = CatalogueEntry.objects.filter(model=self).values(*OF_CHOICE).first()
        return entry or {}, offers, self.catalogue_blocked

    def put_choice_back(self, entry: dict, offers: list[Offer], blocked: bool):
        """Make the catalogue's entry and sets what choice() said that they were."""
        with self.repricing():
            self._block_catalogue(blocked)
            others = self.price_sets.filter(origin=Origin.CATALOGUE)
            others.exclude(scope_value__in=[offer.seller for offer in offers]).delete()
            for offer in offers:
                self._write_catalogue(offer)
            CatalogueEntry.objects.filter(model=self).update(**entry)

    def forget_choice(self):
        """Leave the entry to the catalogue again: the chosen one's price for all usage goes until the next look."""
        with self.repricing():
            self._catalogue_sets().delete()
            fields = {"chosen": "", "matched": "", "sets": [], "version": "", "corrects": False}
            CatalogueEntry.objects.filter(model=self).update(**fields)
        if not self.dry_run:
            queue_pricing()

    def catalogue_sets(self, seller: str = "") -> tuple[DatedCards, ...]:
        """The catalogue's sets for all usage, or of a seller, as they are stored, oldest first, in force or not."""
        return tuple(s.dated_cards for s in self._catalogue_sets(seller).prefetch_related("cards"))

    @property
    def followed(self) -> str:
        """The catalogue's entry, provider/id, that prices all usage now; "" without one. Asks the database."""
        price_set = max(self._catalogue_sets(), key=begins, default=None)
        return price_set.matched if price_set else ""

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
        listing = entry.listing
        for offer in (Offer("", listing.matched, listing.sets), *listing.offers):
            if offer.seller and not differ(listing.sets, offer.sets):
                self._catalogue_sets(offer.seller).delete()
            elif offer.sets:
                self._write_catalogue(offer)
        entry.corrects = False
        entry.save()

    def _write_catalogue(self, offer: Offer):
        """Make the catalogue's sets, of a seller or for all usage, these."""
        place = {"scope": Scope.SELLER if offer.seller else Scope.EVERYTHING, "scope_value": offer.seller}
        self._write_sets(offer.sets, origin=Origin.CATALOGUE, **place, matched=offer.matched[:255])

    def _write_sets(self, wanted, matched="", **which):
        """Make the sets of an origin and a place these; one that is the same already stays."""
        unwritten = {dated.valid_from: dated for dated in wanted}
        for price_set in self.price_sets.filter(**which).prefetch_related("cards"):
            if price_set.dated_cards == unwritten.get(price_set.valid_from):
                del unwritten[price_set.valid_from]
            else:
                price_set.delete()
        for valid_from, dated in unwritten.items():
            price_set = self.price_sets.create(valid_from=valid_from, note=dated.note, matched=matched, **which)
            price_set.write_cards([RateCard(**card._asdict()) for card in dated.cards])

    def _write_notes(self, offers):
        """What the catalogue now notes about rates that stay as they are; they begin on no new day."""
        found = []
        for offer in offers:
            for price_set in self._catalogue_sets(offer.seller).prefetch_related("cards"):
                listed = latest(offer.sets, begins(price_set))
                if listed and listed.cards == price_set.dated_cards.cards and listed.note != price_set.note:
                    price_set.note = listed.note
                    found.append(price_set)
        if found:
            PriceSet.objects.bulk_update(found, ["note"])
            Revision.bump()  # books hold the notes too
