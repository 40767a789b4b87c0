"""The client of CPA's management API: what it asks, how long it waits, and what its errors say."""

import pytest
from django.db import OperationalError

from catalog.cpa import LOG_BYTES, REPLY_BYTES, SWITCHES, Cpa, RequestLog
from catalog.models import Connection
from catalog.problems import NotOffered, Refused, Unavailable, Unreachable
from tests.simulator.raw import FIXTURES, captured
from tests.usage.made import NOON, record

pytestmark = pytest.mark.django_db

KEY = "lab-management-key"
SET_KEY = "Set CPA_MANAGEMENT_KEY to the remote-management secret-key of CPA's config."
PATH = "/v0/management/auth-files"


def asked(question, seconds=None):
    """The answer to one question."""
    with Cpa(seconds) as cpa:
        return question(cpa)


def problem(question=Cpa.auth_files, seconds=None):
    """The kind and words of what a question raises."""
    with pytest.raises((Refused, Unavailable)) as raised:
        asked(question, seconds)
    assert KEY not in str(raised.value) and raised.value.__cause__ is None
    return type(raised.value), str(raised.value)


# --- Questions and answers ----------------------------------------------------------------------------------------


def test_a_conversation_on_one_connection(cpa):
    with Cpa() as conversation:
        assert len(conversation.auth_files()) == 5
        assert [key["provider_type"] for key in conversation.provider_keys("xai-api-key")] == ["xai"]
        assert len(conversation.models()) == len({m["id"] for m in captured("v1-models")["json"]["data"]})
        assert conversation.queue_retention() == 60
        assert conversation.build == {"version": "v7.2.140", "commit": "a7e3596b7", "build_date": "unknown"}
        assert cpa.connections == 1


def test_attempts_are_counted_by_cpa(cpa):
    cpa.push(*(FIXTURES / "records.jsonl").read_bytes().splitlines())
    with Cpa() as conversation:
        files, keys = conversation.counters()
    assert sum(files.values()) + sum(keys.values()) == 129


def test_switches(cpa):
    with Cpa() as conversation:
        assert [conversation.switch(name) for name in SWITCHES] == [True, False]
        conversation.set_switch("statistics_enabled", False)
        conversation.set_switch("request_log_enabled", True)
        assert Connection.objects.values_list(*SWITCHES).get() == (False, True)
        assert [conversation.switch(name) for name in SWITCHES] == [False, True]
    assert (cpa.statistics_enabled, cpa.request_log) == (False, True)


def test_the_management_key_goes_to_management_and_a_client_key_to_the_models(scripted):
    scripted.reply('{"api-keys": ["sk-client-团队"]}'.encode())
    scripted.reply(b'{"data": []}')
    assert asked(Cpa.models) == []
    first, second = scripted.asked
    assert first.startswith(b"GET /v0/management/api-keys HTTP/1.1\r\n")
    assert f"Authorization: Bearer {KEY}\r\n".encode() in first
    assert second.startswith(b"GET /v1/models HTTP/1.1\r\n")
    assert "Authorization: Bearer sk-client-团队\r\n".encode() in second


def test_models_without_client_keys_are_asked_for_without_a_key(cpa):
    cpa.catalog.api_keys.clear()
    assert "kimi-k2" in asked(Cpa.models)


def test_a_base_url_with_a_path(scripted, settings):
    settings.CPA_BASE_URL += "/cpa"
    scripted.reply(b'{"files": []}')
    asked(Cpa.auth_files)
    assert scripted.asked[0].startswith(b"GET /cpa/v0/management/auth-files HTTP/1.1\r\n")


def test_a_key_beyond_ascii(scripted, settings):
    settings.CPA_MANAGEMENT_KEY = "schlüssel"
    scripted.reply(b'{"files": []}')
    asked(Cpa.auth_files)
    assert "Authorization: Bearer schlüssel\r\n".encode() in scripted.asked[0]


# --- Request logs -------------------------------------------------------------------------------------------------


def test_the_log_of_a_failed_request(cpa):
    record = next(line for line in (FIXTURES / "records.jsonl").read_bytes().splitlines() if b'"failed":true' in line)
    cpa.push(record)
    request_id = record.partition(b'"request_id":"')[2][:8].decode()
    log = asked(lambda c: c.request_log(request_id))
    assert (log.found, log.truncated, log.filename.endswith(f"-{request_id}.log")) == (True, False, True)
    assert log.text.startswith("=== REQUEST INFO ===\nVersion: v7.2.140\n")


def test_a_request_without_a_log(cpa):
    assert asked(lambda c: c.request_log("deadbeef")) == RequestLog(found=False)


@pytest.mark.parametrize("request_id", ["", "../auth-files", "a/b", "a?b", "ä", "a" * 65, "a\n"])
def test_what_is_no_request_id_is_not_asked_for(scripted, request_id):
    assert asked(lambda c: c.request_log(request_id)) == RequestLog(found=False)
    assert scripted.asked == []


def test_a_log_is_cut_at_its_limit_and_any_bytes_can_be_shown(scripted):
    scripted.reply((b"\xffa" * (1 << 20) for _ in range(11)), headers='Content-Disposition: x; filename="../../x"\r\n')
    log = asked(lambda c: c.request_log("deadbeef"))
    assert (log.found, log.truncated, len(log.body), log.filename) == (True, True, LOG_BYTES, "deadbeef.log")
    assert log.text[:2] == "\ufffda"


def test_a_log_is_asked_for_part_by_part(cpa):
    body = "".join(f"line {number}\n" for number in range(100_000))
    cpa.push(record(NOON, request_id="aaaaaaaa", failed=True, fail={"status_code": 500, "body": body}))
    with Cpa() as conversation:
        parts = [conversation.request_log("aaaaaaaa")]
        while parts[-1].truncated:
            parts.append(conversation.request_log("aaaaaaaa", sum(len(part.body) for part in parts)))
    assert len(parts) == 2 and {part.size for part in parts} == {sum(len(part.body) for part in parts)}
    assert b"".join(part.body for part in parts).decode().count(body) == 3


def test_a_server_that_sends_no_parts_is_no_cpa(scripted):
    scripted.reply(b"all of it, again")
    assert problem(lambda c: c.request_log("deadbeef", 5)) == (
        Unavailable,
        "CPA does not send a log in parts: set CPA_BASE_URL to CPA itself.",
    )


# --- What goes wrong ----------------------------------------------------------------------------------------------


def test_a_wrong_key_is_tried_once(cpa, settings):
    settings.CPA_MANAGEMENT_KEY = "wrong"
    for _ in range(3):
        assert problem() == (Refused, Connection.refused())
    assert Connection.refused().startswith(f"CPA refuses the management key (invalid management key). {SET_KEY} ")
    assert cpa.auth_failures == 1


def test_after_a_refusal_a_conversation_asks_nothing_more_when_begun_again(scripted):
    scripted.reply(b'{"error":"missing management key"}', "401 Unauthorized")
    assert problem()[0] is Refused
    assert problem()[0] is Refused
    assert len(scripted.asked) == 1


def test_while_the_database_is_away_no_login_is_tried(scripted, monkeypatch):
    """How often the key was refused stands there."""

    def away(*args, **kwargs):
        raise OperationalError

    monkeypatch.setattr(Connection, "load", away)
    with pytest.raises(OperationalError):
        asked(Cpa.auth_files)
    assert scripted.asked == []


def test_a_reply_that_is_no_verdict_about_the_key_leaves_it_as_it_was(scripted):
    for status in ("404 Not Found", "502 Oops"):
        scripted.reply(b"", status)
        assert issubclass(problem()[0], Unavailable)
    row = Connection.load()
    assert (row.accepts, row.refused_count, row.refused_until) == (False, 0, None)
    scripted.reply(b'{"files": []}')
    asked(Cpa.auth_files)
    assert Connection.load().accepts


def test_what_is_known_of_a_good_key_costs_one_query_a_conversation(cpa, django_assert_num_queries):
    asked(Cpa.auth_files)
    with django_assert_num_queries(1), Cpa() as conversation:
        conversation.auth_files()
        conversation.switch("statistics_enabled")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            b'{"error":"IP banned due to too many failed attempts. Try again in 29m59s"}',
            f"CPA has banned our address: IP banned due to too many failed attempts. Try again in 29m59s. {SET_KEY}",
        ),
        (
            b'{"error":"remote management disabled"}',
            "CPA takes no management from here (remote management disabled): "
            "set remote-management allow-remote in CPA's config.",
        ),
        (b"<html>forbidden</html>", f"CPA refuses the management key (no reason given). {SET_KEY}"),
        (f'{{"error":"no {KEY} here\\n"}}'.encode(), f"CPA refuses the management key (no **** here). {SET_KEY}"),
    ],
)
def test_what_a_403_means(scripted, body, sentence):
    scripted.reply(body, "403 Forbidden")
    kind, words = problem()
    assert (kind, words[: len(sentence)]) == (Refused, sentence)
    assert words[len(sentence) :].startswith(" It is tried again at ")


@pytest.mark.parametrize(
    ("status", "body", "kind", "sentence"),
    [
        (
            "404 Not Found",
            b"",
            NotOffered,
            "CPA has no auth-files: it is an old version, or its management API is off. "
            "Set remote-management secret-key in CPA's config.",
        ),
        (
            "404 Not Found",
            b"404 page not found",
            NotOffered,
            "CPA has no auth-files: it is an old version, or its management API is off. "
            "Set remote-management secret-key in CPA's config.",
        ),
        ("500 Oops", b'{"error":"disk full."}', Unavailable, "CPA answers 500 for auth-files: disk full."),
        ("502 Oops", b"<html>", Unavailable, "CPA answers 502 for auth-files: no reason given."),
        (
            "301 Moved",
            b"",
            Unavailable,
            "CPA_BASE_URL leads elsewhere (301): set it to the address it redirects to.",
        ),
        (
            "200 OK",
            b"<html>Welcome</html>",
            Unavailable,
            "CPA's auth-files is not what CPA sends: set CPA_BASE_URL to CPA itself.",
        ),
        ("200 OK", b"", Unavailable, "CPA's auth-files is not what CPA sends: set CPA_BASE_URL to CPA itself."),
    ],
)
def test_what_other_replies_mean(scripted, status, body, kind, sentence):
    scripted.reply(body, status)
    assert problem() == (kind, sentence)


def test_a_client_key_that_is_refused_says_nothing_about_the_management_key(scripted):
    scripted.reply(b'{"api-keys": ["stale"]}')
    scripted.reply(b'{"error":"Invalid API key"}', "401 Unauthorized")
    assert problem(Cpa.models) == (Unavailable, "CPA answers 401 for /v1/models: Invalid API key.")
    scripted.reply(b'{"files": []}')
    assert asked(Cpa.auth_files) == []


def test_nothing_answers(settings):
    settings.CPA_BASE_URL = "http://127.0.0.1:1"
    kind, sentence = problem()
    assert kind is Unreachable
    assert sentence.startswith("CPA does not answer at http://127.0.0.1:1 (")
    assert sentence.endswith("Is it running? Set CPA_BASE_URL to its address.")


@pytest.mark.parametrize("name", ["CPA_BASE_URL", "CPA_MANAGEMENT_KEY"])
def test_what_is_not_set_is_not_tried(scripted, settings, name):
    setattr(settings, name, "")
    assert problem()[1].startswith(f"{name} is not set: set it to ")
    assert scripted.asked == []


@pytest.mark.parametrize("url", ["http://xn--a.example:9", "http://a..b:9", "http://" + "a" * 70 + ".example:9"])
def test_an_address_that_is_none(settings, url):
    settings.CPA_BASE_URL = url
    assert issubclass(problem()[0], Unavailable)


@pytest.mark.parametrize("key", ["two\nlines", "nul\0", "tab\tkey"])
def test_a_key_no_header_can_carry_is_not_repeated(scripted, settings, key):
    settings.CPA_MANAGEMENT_KEY = key
    with pytest.raises(Unavailable) as raised:
        asked(Cpa.auth_files)
    assert key.strip() not in str(raised.value) and "two" not in str(raised.value)


def test_a_connection_that_ends_midway(scripted):
    scripted.replies.append([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"])
    assert problem() == (Unavailable, f"The connection to CPA broke at {PATH} (RemoteProtocolError).")


# --- Time and size ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("hurried")
def test_silence_ends_by_the_timeout(cpa):
    cpa.hang_paths = {PATH}
    with Cpa() as conversation:
        with pytest.raises(Unavailable, match=f"^CPA did not answer {PATH} in full within 0.3 seconds.$"):
            conversation.auth_files()
        assert conversation.switch("statistics_enabled") is True  # on another connection


@pytest.mark.usefixtures("hurried")
def test_a_drip_of_bytes_ends_by_the_timeout(scripted):
    """Each piece comes sooner than the timeout, and all of them make a good reply after many times of it."""

    def drip():
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n"
        for byte in b'{"files": []}' + b" " * 27:
            scripted.wait(0.1)
            yield bytes([byte])

    scripted.replies.append(drip())
    assert problem() == (Unavailable, f"CPA did not answer {PATH} in full within 0.3 seconds.")


def test_a_question_takes_half_of_the_time_that_is_left_for_all(cpa):
    cpa.hang_paths = {PATH}
    with Cpa(seconds=0.4) as conversation:
        with pytest.raises(Unavailable, match=r"within 0\.[12] seconds"):  # less than 0.2 on a busy machine
            conversation.auth_files()
        assert conversation.switch("statistics_enabled") is True


def test_no_time_left(cpa):
    assert problem(seconds=0) == (Unavailable, f"CPA did not answer {PATH} in full within 0.0 seconds.")


def test_a_reply_of_a_hundred_megabytes_is_refused(scripted):
    sent = []

    def body():
        yield b'{"files": ['
        for i in range(100):
            sent.append(i)
            yield b" " * (1 << 20)
        yield b"]}"

    scripted.reply(body())
    expected = f"CPA's auth-files is larger than {REPLY_BYTES >> 20} MB: set CPA_BASE_URL to CPA itself."
    assert problem() == (Unavailable, expected)
    assert len(sent) < 50


def test_a_compressed_reply_is_refused(scripted):
    scripted.reply(b"\x1f\x8b", headers="Content-Encoding: gzip\r\n")
    assert problem()[1].startswith("CPA's reply is compressed")
    assert b"Accept-Encoding: identity\r\n" in scripted.asked[0]
