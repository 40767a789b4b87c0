"""Import items, ours and the original's, into names by fingerprint."""

import pytest

from aliases.items import KeyName, is_mask, key_names
from cpa_usage.keys import fingerprint

RAW = "sk-proj-0123456789"
ID = fingerprint(RAW)
MASK = "sk-p****6789"


def test_nothing_names_nothing():
    assert key_names([]) == ({}, 0)


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
    assert key_names([item]) == ({ID: KeyName(MASK, "Ann")}, 0)


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
    assert key_names([item]) == ({ID: KeyName("", "Ann")}, 0)


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
    assert key_names([item, item]) == ({}, 2)


def test_the_last_of_several_for_one_key_wins_and_a_skipped_one_does_not():
    items = [
        {"api_key": RAW, "alias": "first"},
        {"key_id": ID, "api_key": MASK, "alias": "last"},
        {"api_key": RAW, "alias": ""},
    ]
    assert key_names(items) == ({ID: KeyName(MASK, "last")}, 1)


@pytest.mark.parametrize(
    ("text", "masked"), [("***", True), ("a****z", True), (MASK, True), ("dev", False), (RAW, False), (ID, False)]
)
def test_a_mask_is_known_from_a_key(text, masked):
    assert is_mask(text) is masked
