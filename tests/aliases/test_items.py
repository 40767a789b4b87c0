"""Import items, ours and the original's, into names by fingerprint."""

import pytest
from rest_framework.serializers import ValidationError

from aliases.models import AliasImport, ApiKey
from aliases.serializers import no_mask
from cpa_usage.keys import fingerprint

pytestmark = pytest.mark.django_db

RAW = "sk-proj-0123456789"
ID = fingerprint(RAW)
MASK = "sk-p****6789"


def taken(*items):
    """What an import says it did, and (fingerprint, mask, name) of the keys there are after it."""
    done = ApiKey.objects.import_items("merge", items)
    return done, list(ApiKey.objects.values_list("fingerprint", "mask", "alias"))


NAMED = AliasImport(imported=1, skipped=0, removed=0)


def test_nothing_names_nothing():
    assert taken() == (AliasImport(imported=0, skipped=0, removed=0), [])


@pytest.mark.parametrize(
    "item",
    [
        {"api_key": RAW, "alias": "Ann"},
        {"api_key": f"  {RAW} ", "alias": "\tAnn\n"},
        {"key_id": "", "api_key": RAW, "alias": "Ann"},
        {"key_id": None, "api_key": RAW, "alias": "Ann"},
        {"key_id": ID, "api_key": MASK, "alias": "Ann"},
        {"key_id": ID, "api_key": RAW, "alias": "Ann"},
    ],
)
def test_a_key_is_named_by_its_fingerprint_and_shown_by_its_mask(item):
    assert taken(item) == (NAMED, [(ID, MASK, "Ann")])


@pytest.mark.parametrize(
    "item",
    [
        {"key_id": ID, "alias": "Ann"},
        {"key_id": ID, "api_key": " ", "alias": "Ann"},
        {"key_id": ID, "api_key": ID, "alias": "Ann"},
        {"api_key": ID, "alias": "Ann"},
    ],
)
def test_a_key_known_only_by_its_fingerprint_has_no_mask(item):
    assert taken(item) == (NAMED, [(ID, "", "Ann")])


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"api_key": RAW},
        {"alias": "Ann"},
        {"api_key": RAW, "alias": None},
        {"api_key": RAW, "alias": "  "},
        {"api_key": " ", "key_id": "", "alias": "Ann"},
    ],
)
def test_a_blank_key_or_alias_is_skipped_and_counted(item):
    assert taken(item, item) == (AliasImport(imported=0, skipped=2, removed=0), [])


def test_the_last_of_several_for_one_key_wins_and_a_skipped_one_does_not():
    items = [
        {"api_key": RAW, "alias": "first"},
        {"key_id": ID, "api_key": MASK, "alias": "last"},
        {"api_key": RAW, "alias": ""},
    ]
    assert taken(*items) == (AliasImport(imported=1, skipped=1, removed=0), [(ID, MASK, "last")])


@pytest.mark.parametrize("text", ["***", "a****z", MASK])
def test_a_mask_is_not_taken_for_a_key(text):
    with pytest.raises(ValidationError, match="This is a masked key"):
        no_mask(text)


@pytest.mark.parametrize("text", ["dev", RAW, ID])
def test_a_key_is_not_taken_for_a_mask(text):
    no_mask(text)
