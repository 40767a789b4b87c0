"""Errors of CPA's queue."""


class QueueError(Exception):
    """A pop that returned nothing; its text is a sentence for people and holds no secret."""


class Refused(QueueError):
    """CPA refuses the management key or bans our address: trying again soon makes it worse."""


class Unavailable(QueueError):
    """CPA does not answer, or not in time, or not with what was asked for: trying again is right."""


class NotRunning(Unavailable):
    """The connection to CPA's port is refused: CPA is not running, and what waited in its memory is gone."""


class Interrupted(Unavailable):
    """The connection broke while records were on their way: some may be lost."""


class NotResp(QueueError):
    """The server at that address does not speak RESP: an HTTP proxy, or TLS against plain text."""


def unavailable(sentence: str, error: BaseException) -> Unavailable:
    """NotRunning when the connection was refused, else Unavailable: then only the network may be broken."""
    while error and not isinstance(error, ConnectionRefusedError):
        error = error.__cause__ or error.__context__
    return NotRunning(sentence) if error else Unavailable(sentence)
