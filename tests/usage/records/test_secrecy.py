import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpa_usage.keys import fingerprint, mask
from tests.usage.executors import EXECUTORS
from tests.usage.made import NOON, record
from usage.records.record import parse
from usage.records.secrecy import BODY, account, is_secret, redact


@pytest.mark.parametrize(
    ("auth_type", "source"),
    [
        ("apikey", "x"),
        ("APIKey", "vk-mock-AAAA1111"),
        ("api_key", "me@example.com"),
        ("api-key", "plain name"),
        ("", "sk-or-v1-short"),
        ("unknown", "AIzaSyMock-AAAA1111"),
        ("", "xai-mock-AAAA1111"),
        ("", "gsk_abc"),
        ("", "0123456789abcdef0123456789abcdef"),
        ("", "Zm9vYmFyYmF6cXV4MTIzNDU2"),
        ("", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
        ("oauth", "sk-ant-api03-AAAA1111"),
        ("oauth", "AIzaSyMock-AAAA1111"),
        ("oauth", "Bearer sk-ant-api03-AAAA1111"),
        ("oauth", "eyJhbGciOiJIUzI1NiJ9.e30.abc"),
    ],
)
def test_keys_become_fingerprint_and_mask(auth_type, source):
    assert is_secret(auth_type, source)
    assert account(auth_type, source) == (fingerprint(source), mask(source))


@pytest.mark.parametrize(
    ("auth_type", "source"),
    [
        ("apikey", ""),
        ("", ""),
        ("oauth", "carol@example.com"),
        ("oauth", "sk-lee@example.com"),
        ("oauth", "0123456789abcdef0123456789abcdef"),
        ("oauth", "qwen-1762000000"),
        ("", "carol.longer.name.2026@example.com"),
        ("", "My project number 12345678"),
        ("", "my-project-123456"),
        ("", "gen-lang-client-0123456789"),
        ("", "us-central1.aiplatform.example.com"),
        ("", "averyveryverylongprojectname"),
        ("", "short1"),
    ],
)
def test_names_stay_names(auth_type, source):
    assert not is_secret(auth_type, source)
    assert account(auth_type, source) == (source, source)


@pytest.mark.parametrize("auth_type", ["oauth", "apikey", ""])
@pytest.mark.parametrize(
    "key", ["team-blue-laptop-7", "ann@example.com", "gröβe key", "sk-client-0123456789", "k" * 300]
)
@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_clients_own_key_is_no_account(executor, key, auth_type):
    words = {"executor_type": executor, "provider": EXECUTORS[executor], "auth_type": auth_type}
    failed = {"failed": True, "fail": {"status_code": 401, "body": f"unknown key {key}"}}
    found = parse(record(NOON, source=f" {key}", api_key=key, **words, **failed), NOON)
    assert (found.source, found.source_display, found.api_key) == ("", "", fingerprint(key))
    assert key not in repr(found)


def test_an_account_stays_where_no_key_was_asked_for():
    assert account("oauth", "", "") == ("", "")
    assert account("oauth", "carol@example.com", "") == ("carol@example.com", "carol@example.com")


def test_a_long_name_is_cut():
    assert account("oauth", "n" * 300) == ("n" * 255, "n" * 255)


@pytest.mark.parametrize(
    ("body", "redacted"),
    [
        ("", ""),
        ("mock upstream error 429", "mock upstream error 429"),
        (
            '{"type": "rate_limit_error", "code": "x-risk-managed"}',
            '{"type": "rate_limit_error", "code": "x-risk-managed"}',
        ),
        ("task-oriented disk_partition", "task-oriented disk_partition"),
        ("Incorrect API key provided: sk-proj-abcdef123456.", "Incorrect API key provided: sk-p****3456."),
        ('"sk-or-v1-abcdef"', '"sk-o****cdef"'),
        ("?key=AIzaSyAbCdEf123456&alt=sse", "?key=AIza****3456&alt=sse"),
        ("xai-abcdef123456 gsk_abcdef123456", "xai-****3456 gsk_****3456"),
        ("Authorization: Bearer abc.def-ghi_jkl==", "Authorization: Bearer abc.****kl=="),
        ("bearer tok3n", "bearer t****n"),
        ("Bearer token missing; bearer authentication", "Bearer token missing; bearer authentication"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.c2ln", "eyJh****c2ln"),
        ("sk-c****0001", "sk-c****0001"),
    ],
)
def test_what_looks_like_a_key_is_masked(body, redacted):
    assert redact(body) == redacted


def test_the_given_keys_are_masked_whatever_they_look_like():
    body = "钥匙-团队-0003 called with <plain secret 7> and 钥匙-团队-0003-more"
    assert redact(body, "钥匙-团队-0003", "plain secret 7") == (
        "钥匙-团****0003 called with <plai****et 7> and 钥匙-团****0003-more"
    )


def test_a_short_key_is_masked_where_it_stands_alone():
    assert redact('"dev" is no developer, x-dev or dev', "dev", "") == '"***" is no developer, x-dev or ***'


def test_of_two_keys_the_longer_goes_first():
    assert redact("abcdefgh-0001", "abcdefgh", "abcdefgh-0001") == "abcd****0001"


@pytest.mark.parametrize("at", [0, BODY - 10, BODY - 1, BODY, 4 * BODY - 10, 4 * BODY])
def test_a_key_across_an_edge_leaves_no_part(at):
    body = "é" * at + "secret-secret-secret" + "é" * (5 * BODY)
    kept = redact(body, "secret-secret-secret")
    assert kept == ("é" * at + "secr****cret" + "é" * 5 * BODY)[:BODY]


def test_many_keys_do_not_draw_one_cut_in_two_into_sight():
    key = "k" * 200
    kept = redact((key + "é") * 200, key)
    assert kept == ("kkkk****kkkk" + "é") * 200


@given(st.text(min_size=8), st.text(), st.text())
def test_a_long_key_never_stays(key, before, after):
    if key not in mask(key) and key not in before + mask(key) + after:
        assert key not in redact(before + key + after, key)
