"""What can go wrong at the queue, and how CPA's words are quoted."""

import re

from django.conf import settings

QUOTE_CHARACTERS = 200


class QueueError(Exception):
    """A pop that gave nothing; its text is a sentence for people and holds no secret."""


class Refused(QueueError):
    """CPA refuses the management key or bans our address: trying again soon makes it worse."""


class Away(QueueError):
    """Nobody answers, or not in time, or nonsense: trying again is right."""


class Stopped(Away):
    """Nobody listens at CPA's port: it is not running, and what waited in its memory is gone."""


class Cut(Away):
    """The connection broke while records were on their way to us: some are lost."""


class NotResp(QueueError):
    """Something answers there, but it does not speak RESP: an HTTP proxy, or TLS against plain text."""


def away(sentence: str, error: BaseException) -> Away:
    """Stopped when the other machine refused the connection, else Away: then only the way there may be broken."""
    while error and not isinstance(error, ConnectionRefusedError):
        error = error.__cause__ or error.__context__
    return Stopped(sentence) if error else Away(sentence)


def quoted(words: object) -> str:
    """Somebody else's words, safe to log: one short line without our key, which some servers repeat."""
    text = str(words)
    if settings.CPA_MANAGEMENT_KEY:
        text = text.replace(settings.CPA_MANAGEMENT_KEY, "****")
    return re.sub(r"[^\x20-\x7e]+", " ", text).strip()[:QUOTE_CHARACTERS]
