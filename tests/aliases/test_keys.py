import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpa_usage.keys import fingerprint, is_fingerprint, mask


@pytest.mark.parametrize(
    ("key", "masked"),
    [
        ("", ""),
        ("a", "*"),
        ("abcd", "****"),
        ("abcde", "a****e"),
        ("abcdefgh", "a****h"),
        ("abcdefghi", "abcd****fghi"),
        ("sk-client-alice-0001", "sk-c****0001"),
        ("团队", "**"),
        ("团队团队团", "团****团"),
        ("sk-client-团队-0003", "sk-c****0003"),
        ("钥匙钥匙钥匙钥匙钥", "钥匙钥匙****匙钥匙钥"),
    ],
)
def test_mask(key, masked):
    assert mask(key) == masked


@given(st.text())
def test_the_mask_of_a_mask_is_that_mask(key):
    assert mask(mask(key)) == mask(key)


@pytest.mark.parametrize(
    ("key", "digest"),
    [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("é", "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c"),
    ],
)
def test_fingerprint_is_sha256_of_the_utf_8_bytes(key, digest):
    assert fingerprint(key) == digest


def test_blanks_and_case_make_another_key():
    assert len({fingerprint(key) for key in ("abc", " abc", "abc ", "ABC")}) == 4


def test_a_lone_surrogate_has_a_fingerprint_too():
    assert is_fingerprint(fingerprint("sk-\ud800"))


@given(st.text())
def test_every_fingerprint_is_one(key):
    assert is_fingerprint(fingerprint(key))


@pytest.mark.parametrize(
    "text",
    ["", "a" * 63, "a" * 65, "A" * 64, "g" * 64, " " + "a" * 63, "a" * 64 + "\n", "１" * 64, "sk-client-alice-0001"],
)
def test_what_is_no_fingerprint(text):
    assert not is_fingerprint(text)
