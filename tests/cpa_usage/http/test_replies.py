"""How replies are packed and who may keep them."""

import gzip

import brotli
import pytest

from cpa_usage.http.replies import accepted_encodings

pytestmark = pytest.mark.urls("tests.cpa_usage.probe_urls")
CONTENT = '{"error":"' + "ä" * 500 + '"}'


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("", set()),
        ("gzip", {"gzip"}),
        ("gzip, deflate, br", {"gzip", "deflate", "br"}),
        ("GZIP;q=0.5, br ; q=1.0", {"gzip", "br"}),
        ("gzip;q=0, br;q=0.000", set()),
        ("xgzip, brr", {"xgzip", "brr"}),
        (",;q=1,", set()),
    ],
)
def test_accepted_encodings(header, names):
    assert accepted_encodings(header) == names


@pytest.mark.parametrize(
    ("accepted", "encoding", "unpack"),
    [
        ("gzip, deflate, br", "br", brotli.decompress),
        ("gzip", "gzip", gzip.decompress),
        ("gzip, br;q=0", "gzip", gzip.decompress),
        ("identity", None, bytes),
    ],
)
def test_a_reply_is_packed_as_the_client_accepts(client, accepted, encoding, unpack):
    reply = client.get("/large", headers={"Accept-Encoding": accepted})
    assert (reply.get("Content-Encoding"), unpack(reply.content).decode()) == (encoding, CONTENT)
    assert (reply["Content-Length"], "Accept-Encoding" in reply["Vary"]) == (str(len(reply.content)), True)


def test_a_stream_is_packed_as_it_goes(client):
    reply = client.get("/large?stream", headers={"Accept-Encoding": "gzip, br"})
    assert (reply["Content-Encoding"], gzip.decompress(b"".join(reply.streaming_content))) == ("gzip", b"a" * 3000)


def test_a_short_reply_stays_as_it_is(client):
    assert "Content-Encoding" not in client.get("/api/v1/mixed", headers={"Accept-Encoding": "br"})


def test_a_reply_is_private_unless_it_says_otherwise(client):
    assert client.get("/large")["Cache-Control"] == "private, no-cache"
    assert client.get("/api/v1/failing/field")["Cache-Control"] == "private, no-cache"
