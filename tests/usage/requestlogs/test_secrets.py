"""Keys in CPA's request logs: masked wherever they stand, and nothing else is touched."""

import pytest

from aliases.models import ApiKey
from catalog.models import Provider
from tests.usage.made import NOON, record, stored
from usage.records.secrecy import fingerprint
from usage.requestlogs.secrets import without_secrets

pytestmark = pytest.mark.django_db
CLIENT, UPSTREAM, SOURCE = "acme-team-key-2", "canary0opaque9upstream7key3", "relay.key.of.upstream.77"


def clean(*pieces):
    return b"".join(without_secrets(pieces))


@pytest.fixture(autouse=True)
def known():
    ApiKey.objects.describe(CLIENT, alias="Acme")
    Provider.objects.create(auth_index="1", provider_type="x", key_fingerprint=fingerprint(UPSTREAM))
    stored(record(NOON, auth_type="apikey", source=SOURCE), arrived=NOON)


def test_keys_are_masked_wherever_they_stand(settings):
    log = f'key: {CLIENT}\n{{"error":"bad {UPSTREAM}, {SOURCE}"}} {settings.CPA_MANAGEMENT_KEY} sk-look-alike-123456'
    assert clean(log.encode()).decode() == (
        'key: acme****ey-2\n{"error":"bad cana****key3, rela****m.77"} test****-key sk-l****3456'
    )


@pytest.mark.parametrize("own", ["test-management-key", 'a "key", of: words', "Größe 尺寸 4711"])
@pytest.mark.parametrize("border", ["\n", " ", '"', "尺", "", "x" * 30])
def test_a_key_may_stand_across_two_pieces_or_three(settings, own, border):
    settings.CPA_MANAGEMENT_KEY = own
    log = f"a{border}{CLIENT}{border}{own}{border}Bearer abc4567{border}AIza-look-alike-123456{border}."
    whole = clean(log.encode())
    log = log.encode()
    for cut in range(len(log)):
        assert clean(log[:cut], log[cut:]) == clean(log[:cut], log[cut : cut + 9], log[cut + 9 :]) == whole


@pytest.mark.parametrize("own", ["test-management-key", 'a "key", of: words'])
@pytest.mark.parametrize("of", ["client", "own", "looks"])
def test_a_key_may_stand_across_two_pieces_behind_a_word_without_end(settings, own, of):
    settings.CPA_MANAGEMENT_KEY = own
    key = {"client": CLIENT, "own": own, "looks": "sk-look-alike-123456"}[of].encode()
    log = b"A" * 2_000_000 + b'","api_key":"' + key + b'"}'
    for inside in range(0, len(key) + 1, 3):
        cut = len(log) - len(key) - 2 + inside
        assert key not in clean(log[:cut], log[cut:])


@pytest.mark.parametrize(
    "log",
    [
        b"",
        b"=== REQUEST INFO ===\nURL: /v1/messages\nX-Request-Id: 0123456789abcdef\n",
        "Größe, 尺寸 and \ud800".encode("utf-8", "surrogatepass") + b"\xff\x00",
        b"model gpt-5-2026-11-24 at 203.0.113.9, " + b"A1" * 500,
    ],
)
def test_all_else_stays_as_it_is(log):
    assert clean(log) == b"".join(without_secrets(log[at : at + 1] for at in range(len(log)))) == log
