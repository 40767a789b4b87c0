"""How replies are compressed and how caches may keep them."""

import gzip

import pytest

pytestmark = pytest.mark.urls("tests.cpa_usage.probe_urls")
CONTENT = '{"error":"' + "ä" * 500 + '"}'


@pytest.mark.parametrize(
    ("accepted", "encoding", "unpack"),
    [
        ("gzip, deflate, br", "gzip", gzip.decompress),
        ("gzip", "gzip", gzip.decompress),
        ("identity", None, bytes),
    ],
)
def test_a_reply_is_compressed_as_the_client_accepts(client, accepted, encoding, unpack):
    reply = client.get("/large", headers={"Accept-Encoding": accepted})
    assert (reply.get("Content-Encoding"), unpack(reply.content).decode()) == (encoding, CONTENT)
    assert (reply["Content-Length"], "Accept-Encoding" in reply["Vary"]) == (str(len(reply.content)), True)


def test_an_answer_of_the_api_is_much_smaller_compressed(client):
    plain, compressed = (
        client.get("/api/v1/many", headers={"Accept-Encoding": accepted}) for accepted in ("identity", "gzip")
    )
    assert len(plain.content) > 360_000
    assert len(compressed.content) < len(plain.content) / 5
    assert gzip.decompress(compressed.content) == plain.content


def test_a_compressed_answer_is_not_sent_again(client):
    reply = client.get("/api/v1/many", headers={"Accept-Encoding": "gzip"})
    again = client.get("/api/v1/many", headers={"Accept-Encoding": "gzip", "If-None-Match": reply["ETag"]})
    assert (reply["Content-Encoding"], again.status_code, again.content) == ("gzip", 304, b"")
    assert again["ETag"] == reply["ETag"]


def test_a_stream_is_compressed_as_it_goes(client):
    reply = client.get("/large?stream", headers={"Accept-Encoding": "gzip, br"})
    assert (reply["Content-Encoding"], gzip.decompress(b"".join(reply.streaming_content))) == ("gzip", b"a" * 3000)


def test_a_short_reply_stays_as_it_is(client):
    assert "Content-Encoding" not in client.get("/api/v1/mixed", headers={"Accept-Encoding": "gzip"})


def test_a_reply_is_private_unless_it_says_otherwise(client):
    assert client.get("/large")["Cache-Control"] == "private, no-cache"
    assert client.get("/api/v1/failing/field")["Cache-Control"] == "private, no-cache"
