"""The verbs of client keys: observing, naming, forgetting, importing, listing."""

from datetime import UTC, datetime

import pytest

from aliases import shapes
from aliases.models import AliasImport, ApiKey, Revision
from cpa_usage.keys import fingerprint

ANN, BOB, CAT = "sk-ann-0123456789", "sk-bob-0123456789", "sk-cat-0123456789"
A, B, C = map(fingerprint, (ANN, BOB, CAT))
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def named():
    return dict(ApiKey.objects.named().values_list("fingerprint", "alias"))


def item(key, alias):
    return {"api_key": key, "alias": alias}


# --- Observing ----------------------------------------------------------------------------------------------------


def test_observing_nothing_asks_nothing(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert ApiKey.objects.observe({}) == {}


def test_observing_creates_what_is_missing_once(db):
    first = ApiKey.objects.observe({A: "sk-a****6789", "": ""})
    again = ApiKey.objects.observe({A: "sk-a****6789", B: "sk-b****6789", "": ""})
    assert first == {key: again[key] for key in first}
    assert dict(ApiKey.objects.values_list("fingerprint", "id")) == again
    assert dict(ApiKey.objects.values_list("fingerprint", "mask")) == {"": "", A: "sk-a****6789", B: "sk-b****6789"}
    assert Revision.current() == 0


def test_observing_gives_a_mask_to_a_key_that_was_known_by_fingerprint_alone(db):
    ApiKey.objects.describe(A, alias="Ann")
    ApiKey.objects.observe({A: "sk-a****6789"})
    ApiKey.objects.observe({A: "other"})
    assert ApiKey.objects.values_list("mask", "alias").get() == ("sk-a****6789", "Ann")


@pytest.mark.parametrize(("old", "seen", "kept"), [("****", "sk-a****6789", "sk-a****6789"), ("****", "***", "****")])
def test_a_mask_that_shows_nothing_is_renewed_when_the_key_is_seen(db, old, seen, kept):
    ApiKey.objects.create(fingerprint=A, mask=old)
    ApiKey.objects.observe({A: seen})
    assert ApiKey.objects.get().mask == kept


def test_more_keys_than_one_query_holds(db):
    masks = {fingerprint(f"key-{i}"): f"key-****{i:04}" for i in range(1200)}
    assert ApiKey.objects.observe(masks) == dict(ApiKey.objects.values_list("fingerprint", "id"))
    assert ApiKey.objects.count() == 1200


# --- Naming and forgetting ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [ANN, A])
def test_a_key_is_found_raw_or_by_its_fingerprint(text):
    assert ApiKey.of(text).fingerprint == A


def test_naming_trims_dates_and_counts(db, on_nov_24):
    ApiKey.objects.describe(ANN, alias="  Ann Ångström ")
    row = ApiKey.objects.values("fingerprint", "mask", "alias", "alias_updated_at").get()
    assert row == {"fingerprint": A, "mask": "sk-a****6789", "alias": "Ann Ångström", "alias_updated_at": NOON}
    assert Revision.current() == 1


def test_a_second_name_replaces_the_first(db):
    ApiKey.objects.describe(ANN, alias="Ann")
    ApiKey.objects.describe(A, alias="Anna")
    assert (named(), ApiKey.objects.get().mask, Revision.current()) == ({A: "Anna"}, "sk-a****6789", 2)


@pytest.mark.parametrize(
    "forget", [lambda: ApiKey.objects.describe(A, alias=""), lambda: ApiKey.objects.describe(ANN, alias="  ")]
)
def test_forgetting_clears_the_name_and_keeps_the_row(db, forget):
    ApiKey.objects.describe(ANN, alias="Ann")
    forget()
    assert ApiKey.objects.values_list("alias", "alias_updated_at").get() == ("", None)
    assert Revision.current() == 2


def test_forgetting_a_key_nobody_knows_changes_nothing(db):
    ApiKey.objects.describe(ANN, alias="")
    ApiKey.objects.describe(BOB, alias="")
    assert (ApiKey.objects.count(), Revision.current()) == (0, 0)


def test_what_is_said_of_a_key_changes_alone_and_counts_once(db, on_nov_24):
    ApiKey.objects.describe(ANN, alias="Ann", owner=" Ops ", note="laptop")
    ApiKey.objects.describe(A, owner="Ops", note=None)
    ApiKey.objects.describe(A, note="  ")
    row = ApiKey.objects.values_list("alias", "owner", "note", "alias_updated_at").get()
    assert (row, Revision.current(), ApiKey.objects.owners()) == (("Ann", "Ops", "", NOON), 2, {A: "Ops"})


def test_an_owner_may_have_keys_without_names(db):
    ApiKey.objects.describe(ANN, owner="Ops")
    ApiKey.objects.describe(BOB, owner="")
    assert ApiKey.objects.values_list("fingerprint", "alias", "alias_updated_at").get() == (A, "", None)
    assert [key.api_key for key in shapes.aliases().items] == ["sk-a****6789"]
    assert not ApiKey.objects.untouched()


def test_a_key_is_shown_by_its_name_or_its_mask():
    assert [str(ApiKey(mask="m", alias="Ann")), str(ApiKey(mask="m")), str(ApiKey())] == ["Ann", "m", "no key"]


# --- Importing ----------------------------------------------------------------------------------------------------


def test_merging_keeps_other_names(db):
    ApiKey.objects.describe(ANN, alias="Ann")
    ApiKey.objects.describe(BOB, alias="Bob")
    done = ApiKey.objects.import_items("merge", [item(BOB, "Bobby"), item(CAT, "Cat"), item("", "nobody")])
    assert done == AliasImport(imported=2, skipped=1, removed=0)
    assert named() == {A: "Ann", B: "Bobby", C: "Cat"}
    assert Revision.current() == 3


def test_replacing_clears_other_names_and_keeps_their_rows(db):
    ApiKey.objects.describe(ANN, alias="Ann")
    ApiKey.objects.describe(BOB, alias="Bob")
    done = ApiKey.objects.import_items("replace", [item(BOB, "Bobby"), item(BOB, "Robert")])
    assert done == AliasImport(imported=1, skipped=0, removed=1)
    assert named() == {B: "Robert"}
    assert ApiKey.objects.values_list("alias", "alias_updated_at").get(fingerprint=A) == ("", None)


def test_replacing_by_nothing_clears_every_name(db):
    ApiKey.objects.describe(ANN, alias="Ann")
    assert ApiKey.objects.import_items("replace", []) == AliasImport(imported=0, skipped=0, removed=1)
    assert named() == {}


def test_merging_nothing_changes_no_name(db):
    ApiKey.objects.describe(ANN, alias="Ann")
    assert ApiKey.objects.import_items("merge", []) == AliasImport(imported=0, skipped=0, removed=0)
    assert named() == {A: "Ann"}


def test_an_import_leaves_what_it_says_nothing_of(db, on_nov_24):
    ApiKey.objects.describe(ANN, alias="Ann", owner="Ops", note="old")
    ApiKey.objects.import_items("merge", [{"api_key": ANN, "alias": "", "owner": None, "note": "new"}])
    assert ApiKey.objects.values_list("alias", "owner", "note", "alias_updated_at").get() == ("Ann", "Ops", "new", NOON)
    ApiKey.objects.import_items("replace", [])
    assert ApiKey.objects.values_list("alias", "owner", "note", "alias_updated_at").get() == ("", "", "", None)


def test_an_imported_name_is_dated_and_masked(db, on_nov_24):
    ApiKey.objects.observe({A: ""})
    ApiKey.objects.import_items("merge", [{"key_id": A, "api_key": "sk-a****6789", "alias": " Ann "}])
    row = ApiKey.objects.values_list("mask", "alias", "alias_updated_at").get()
    assert row == ("sk-a****6789", "Ann", NOON)


def test_an_import_that_fails_half_way_changes_nothing(db, monkeypatch):
    ApiKey.objects.describe(ANN, alias="Ann")
    monkeypatch.setattr("aliases.models.ApiKeyQuerySet._describe", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ApiKey.objects.import_items("replace", [item(BOB, "Bob")])
    assert (named(), Revision.current()) == ({A: "Ann"}, 1)


def test_an_import_of_the_greatest_size(db):
    items = [item(f"sk-key-{i:06}", f"name {i}") for i in range(10_000)]
    assert ApiKey.objects.import_items("replace", items) == AliasImport(imported=10_000, skipped=0, removed=0)
    assert ApiKey.objects.import_items("replace", items[1:]) == AliasImport(imported=9_999, skipped=0, removed=1)


# --- Listing ------------------------------------------------------------------------------------------------------


def listed():
    return [(key.alias or key.api_key, key.event_count) for key in shapes.aliases().items]


def test_the_busiest_key_comes_first_and_requests_are_those_of_all_series_and_months(db, count):
    keys = ApiKey.objects.in_bulk(ApiKey.objects.observe({A: "a", B: "b", C: "c", "": ""}).values())
    by_mask = {key.mask: key for key in keys.values()}
    count(by_mask["a"], 3)
    count(by_mask["b"], 5, 4, 2)
    count(by_mask["c"], 3)
    count(by_mask[""], 100)
    assert listed() == [("b", 11), ("a", 3), ("c", 3)]


def test_a_key_neither_observed_nor_named_is_not_listed(db, count):
    ApiKey.objects.describe(ANN, alias="Ann")
    ApiKey.objects.describe(BOB, alias="Bob")
    ApiKey.objects.describe(BOB, alias="")
    count(ApiKey.objects.create(fingerprint=C, mask="c"), 0)
    assert listed() == [("c", 0), ("Ann", 0)]


def test_listing_is_two_queries(db, count, django_assert_num_queries):
    for i in range(20):
        count(ApiKey.objects.create(fingerprint=fingerprint(str(i)), mask=str(i)), 2, 3)
    with django_assert_num_queries(2):
        assert [requests for _, requests in listed()] == [5] * 20
