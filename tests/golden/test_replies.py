"""Every GET reply of the API for one fixed database, as it was recorded: refactoring must not change any.

Record again, when a reply is meant to change: `python -m tests.golden.record`, and look at the difference. The test
asks the addresses that the recorded files name, so a question that is new in `questions.py` waits for a recording.

The HTML pages, the admin and Swagger's page are no replies of the API and not in here. Of headers only the type of what
is no JSON is, and the file name of what is a file.
"""

import json
import logging
import os
import re

import msgspec
import pytest
from django.db import connection

from tests.golden import questions, seed
from tests.golden.compare import difference, kept

RECORDING = "RECORD_GOLDEN" in os.environ  # write the files before reading them
REPLIES = seed.HERE / "replies.jsonl"
AFTER_RETENTION = seed.HERE / "replies-after-retention.jsonl"
SCHEMA = seed.HERE / "schema.json"
EVENTS = f"{questions.USAGE}/events?range=all&page=2&page_size=100"  # of which single events are asked
EVERY = 1 if connection.vendor == "sqlite" else 4  # so many addresses is one asked of
SHOWN = 60  # differences that a message shows; of others the address

# What no fixed database determines: (address, the part of the body left out).
LEFT_OUT = [
    (r"/api/v1/ping", "version"),  # of this program
    (r"/api/v1/version", "cpa_usage"),  # version, commit and date of this program
    (r"/api/schema/", "info.version"),  # of this program
]


@pytest.fixture(autouse=True)
def clock(set_clock):
    """It is NOW all the time."""
    set_clock(seed.NOW)


@pytest.fixture(autouse=True)
def quiet():
    """Each refusal is logged: a hundred lines that would hide which reply differs."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.django_db
def test_every_reply_is_the_recorded_one(client, settings):
    told = seed.fill(client, settings)
    if RECORDING:
        below = questions.addresses_below(client.get(EVENTS).json())
        record(REPLIES, client, [*told, *questions.addresses(), *below], told)
    assert_as_recorded(REPLIES, client, told)


@pytest.mark.django_db(transaction=True)  # retention gives space back, which no transaction can
def test_every_reply_after_retention_is_the_recorded_one(client, settings):
    seed.fill(client, settings)
    seed.expire(settings)
    if RECORDING:
        record(AFTER_RETENTION, client, questions.addresses_after_retention())
    assert_as_recorded(AFTER_RETENTION, client)


def test_the_schema_is_the_recorded_one(client):
    """Apart from the replies, for it gains what they gain and more."""
    schema = {"/api/schema/": client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})}
    body = reply_of("/api/schema/", client, schema)["body"]
    if RECORDING:
        SCHEMA.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n")
    assert difference(json.loads(SCHEMA.read_text()), body) is None


def record(path, client, addresses, told=()):
    """Write the replies as they are now, one a line."""
    lines = ({"address": each} | kept(reply_of(each, client, told)) for each in addresses)
    path.write_text("".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines))


def assert_as_recorded(path, client, told=()):
    """Ask again whatever was recorded; fails with every address whose reply differs, and with where it does."""
    found = []
    lines = path.read_text().split("\n")[:-1:EVERY]  # of all ends of lines only this one: others occur in texts
    for line in lines:
        was = msgspec.json.decode(line)
        address = was.pop("address")
        if place := difference(was, reply_of(address, client, told)):
            found.append(f"{address}\n    {place}")
    if found:
        message = "\n".join(found[:SHOWN] + [each.partition("\n")[0] for each in found[SHOWN:]])
        pytest.fail(f"{len(found)} of {len(lines)} replies differ from {path.name}:\n{message}", pytrace=False)


def reply_of(address, client, told=()) -> dict:
    """Status and body of a reply, whole but for what is LEFT_OUT; what is no JSON as lines, with its type."""
    reply = told[address] if address in told else client.get(address)
    content = b"".join(reply.streaming_content) if reply.streaming else reply.content
    kind = reply.headers.get("Content-Type", "")
    if not re.fullmatch(r"application/(json|vnd\.oai\.openapi\+json)\b.*", kind):
        name = reply.headers.get("Content-Disposition", "")
        return {"status": reply.status_code, "type": kind, "file": name, "body": content.decode().split("\n")}
    body = msgspec.json.decode(content)
    for pattern, part in LEFT_OUT:
        if re.fullmatch(pattern, address):
            _leave_out(body, part.split("."))
    return {"status": reply.status_code, "body": body}


def _leave_out(body, names):
    *outer, last = names
    for name in outer:
        body = body[name]
    body[last] = "(left out)"
