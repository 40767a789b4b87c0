"""A model and what the catalogue says of it: taken from today on, kept, offered, or put aside."""

from datetime import date

from pricing.catalogue.listings import Card, DatedCards, Listing, Offer
from pricing.models import CatalogueEntry, Origin, PriceSet, Revision

TODAY, BEFORE, AHEAD = date(2026, 11, 24), date(2026, 11, 10), date(2026, 12, 1)


def listing(*sets, matched="maker/m"):
    """A listing of (valid_from, prompt rate) sets."""
    return Listing(matched, tuple(DatedCards(day, (Card("", 0, prompt, 2),)) for day, prompt in sets))


def follow(model, *sets, today=TODAY):
    return model.follow_catalogue(listing(*sets), "1", today)


def stored(model):
    return {
        (s.origin, s.valid_from): [(c.tier, c.context_over, c.prompt) for c in s.cards.all()]
        for s in model.price_sets.all()
    }


def test_a_new_model_takes_all_the_catalogue_says(gpt, recosted):
    flex = Card("flex", 1000, 1, 2, 3, 4, 5)
    sets = (DatedCards(None, (Card("", 0, 7, 8), flex)), DatedCards(BEFORE, (Card("", 0, 9, 8),), "Upper bound."))
    gpt.follow_catalogue(Listing("openai/gpt-5", sets), "0.2.3", TODAY)
    assert gpt.catalogue_sets() == sets
    assert list(PriceSet.objects.values_list("matched", "note")) == [
        ("openai/gpt-5", ""),
        ("openai/gpt-5", "Upper bound."),
    ]
    entry = CatalogueEntry.objects.get()
    assert (entry.version, entry.matched, entry.reason, entry.corrects) == ("0.2.3", "openai/gpt-5", "", False)
    assert entry.listing.sets == sets
    assert recosted == [("gpt-5", 1)]


def test_hearing_the_same_again_changes_nothing(gpt, recosted):
    follow(gpt, (None, 1), (AHEAD, 2))
    ids = list(PriceSet.objects.values_list("id", flat=True))
    follow(gpt, (None, 1), (AHEAD, 2))
    assert (list(PriceSet.objects.values_list("id", flat=True)), Revision.current(), len(recosted)) == (ids, 1, 1)


def test_a_change_begins_today_and_the_past_is_offered(gpt):
    follow(gpt, (None, 1))
    entry = follow(gpt, (None, 2))
    assert stored(gpt) == {("catalogue", None): [("", 0, 1)], ("catalogue", TODAY): [("", 0, 2)]}
    assert entry.corrects


def test_a_change_that_lies_ahead_corrects_nothing(gpt):
    follow(gpt, (None, 1))
    assert not follow(gpt, (None, 1), (AHEAD, 2)).corrects
    assert stored(gpt) == {("catalogue", None): [("", 0, 1)], ("catalogue", AHEAD): [("", 0, 2)]}


def test_prices_once_taken_stay_when_the_catalogue_drops_the_model(gpt):
    follow(gpt, (None, 1))
    entry = gpt.follow_catalogue(Listing(reason="The catalogue lists no model of this name."), "2", TODAY)
    assert stored(gpt) == {("catalogue", None): [("", 0, 1)]}
    assert (entry.reason, entry.corrects) == ("The catalogue lists no model of this name.", False)


def test_a_model_the_catalogue_does_not_know_is_told_so(gpt, recosted):
    gpt.follow_catalogue(Listing(reason="Ambiguous: a, b list it at different prices."), "1", TODAY)
    assert (stored(gpt), recosted) == ({}, [])
    assert str(gpt.catalogue) == "Ambiguous: a, b list it at different prices."


def test_a_manual_price_is_never_touched(gpt):
    gpt.set_price({"prompt": 5, "completion": 6})
    follow(gpt, (None, 1))
    follow(gpt, (None, 2))
    assert stored(gpt) == {
        ("catalogue", None): [("", 0, 1)],
        ("catalogue", TODAY): [("", 0, 2)],
        ("manual", None): [("", 0, 5)],
    }


def test_a_cleared_price_does_not_come_back_by_itself(gpt):
    follow(gpt, (None, 1))
    gpt.clear_price()
    follow(gpt, (None, 2))
    gpt.refresh_from_db()
    assert gpt.catalogue_blocked


def test_taking_the_catalogues_price_corrects_all_history_and_ends_manual_sets(gpt):
    follow(gpt, (None, 1), (BEFORE, 4))
    gpt.set_price({"prompt": 5, "completion": 6})
    gpt.clear_price()
    follow(gpt, (None, 2), (BEFORE, 3))
    gpt.take_catalogue()
    gpt.refresh_from_db()
    assert stored(gpt) == {("catalogue", None): [("", 0, 2)], ("catalogue", BEFORE): [("", 0, 3)]}
    assert (gpt.catalogue_blocked, gpt.catalogue.corrects) == (False, False)


def test_taking_keeps_the_sets_of_a_model_the_catalogue_dropped(gpt):
    follow(gpt, (None, 1))
    gpt.follow_catalogue(Listing(reason="Gone."), "2", TODAY)
    gpt.take_catalogue()
    assert stored(gpt) == {("catalogue", None): [("", 0, 1)]}


def test_another_match_is_kept_with_its_set(gpt):
    follow(gpt, (None, 1))
    gpt.follow_catalogue(listing((None, 2), matched="reseller/m"), "2", TODAY)
    assert list(PriceSet.objects.order_by("id").values_list("matched", flat=True)) == ["maker/m", "reseller/m"]


def test_catalogue_sets_are_listed_next_to_manual_ones(gpt):
    follow(gpt, (None, 1))
    gpt.set_price({"prompt": 5, "completion": 6}, BEFORE)
    assert [str(s) for s in PriceSet.objects.filter(origin=Origin.CATALOGUE)] == ["gpt-5 from always (catalogue)"]


def test_a_note_about_rates_that_stay_is_kept_with_them(gpt, recosted):
    follow(gpt, (None, 1))
    noted = DatedCards(None, (Card("", 0, 1, 2),), "The cost leaves out web searches.")
    gpt.follow_catalogue(Listing("maker/m", (noted,)), "2", TODAY)
    assert list(PriceSet.objects.values_list("valid_from", "note")) == [(None, "The cost leaves out web searches.")]
    assert len(recosted) == 1


def test_what_was_looked_up_before_a_choice_or_before_that_was_forgotten_is_not_written(gpt):
    ours, theirs = (listing((None, rate), matched=matched) for rate, matched in ((1, "a/m"), (2, "b/m")))
    offers = tuple(Offer(each.matched[0], each.matched, each.sets) for each in (ours, theirs))
    gpt.follow_catalogue(Listing(reason="Ambiguous.", candidates=offers), "1", TODAY)
    gpt.choose("b/m")
    entry = CatalogueEntry.objects.values().get()
    assert gpt.follow_catalogue(ours, "2", TODAY).version == "1"
    assert (CatalogueEntry.objects.values().get(), gpt.followed) == (entry, "b/m")
    assert gpt.follow_catalogue(theirs, "2", TODAY, chosen="b/m").version == "2"
    gpt.forget_choice()
    assert gpt.follow_catalogue(theirs, "2", TODAY, chosen="b/m").version == ""
    assert (stored(gpt), CatalogueEntry.objects.get().matched) == ({}, "")


def test_a_choice_stays_that_is_made_while_the_catalogues_prices_are_taken(gpt, monkeypatch):
    follow(gpt, (None, 1))
    bump = Revision.bump

    def waits():
        CatalogueEntry.objects.update(chosen="b/m")
        bump()

    monkeypatch.setattr(Revision, "bump", waits)
    gpt.take_catalogue()
    assert CatalogueEntry.objects.get().chosen == "b/m"
