"""How attempts fail: status and body as the upstreams and CPA word them, and whether CPA tries again."""

from dataclasses import dataclass
from random import Random

import msgspec

from simulator.gotime import go_json
from simulator.labels import CLAUDE, GEMINI, OPENAI, Label


@dataclass(frozen=True)
class Failure:
    """`cut` failures come after a while, in a stream; `retried` ones are tried again, at another account if there is
    one; `reached` is False when CPA refused before it asked any upstream."""

    status: int
    body: str
    weight: float
    cut: bool = False
    retried: bool = False
    reached: bool = True

    @property
    def quoted(self) -> str:
        return go_json(self.body)


def choose(random: Random, label: Label) -> Failure:
    """One of the ways a request with these labels can fail."""
    ways = _CODEX if label.account.provider == "codex" else _WAYS[label.style]
    return random.choices(ways, weights=[way.weight for way in ways])[0]


def _claude(kind: str, message: str) -> str:
    return _spaced({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_011CVx8Q2"})


def _openai(kind: str, message: str, code: str | None = None) -> str:
    return _spaced({"error": {"message": message, "type": kind, "param": None, "code": code}})


def _gemini(code: int, status: str, message: str) -> str:
    return _spaced({"error": {"code": code, "message": message, "status": status}})


def _spaced(document: dict) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=0).decode()


_HTML = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    "<hr><center>nginx & cloudflare</center>\r\n</body>\r\n</html>\r\n"
)

_EVERYWHERE = (
    Failure(499, "context canceled", 14, cut=True),
    Failure(500, "unexpected EOF", 5, cut=True),
    Failure(200, "unexpected EOF", 0.7, cut=True),
)

_CLAUDE_WAYS = (
    *_EVERYWHERE,
    Failure(
        429,
        _claude("rate_limit_error", "This request would exceed your account's rate limit. Please try again later."),
        38,
        retried=True,
    ),
    Failure(529, _claude("overloaded_error", "Overloaded"), 16),
    Failure(500, _claude("api_error", "Internal server error"), 8, retried=True),
    Failure(401, _claude("authentication_error", "OAuth token has expired. Please refresh it."), 4, retried=True),
    Failure(
        400,
        _claude("invalid_request_error", "prompt is too long: 208310 tokens > 200000 maximum"),
        9,
    ),
    Failure(400, "budget 400 out of range [1024,128000]", 1, reached=False),
)

_OPENAI_WAYS = (
    *_EVERYWHERE,
    Failure(
        429,
        _openai("rate_limit_error", "Rate limit reached for requests per min.", "rate_limit_exceeded"),
        40,
        retried=True,
    ),
    Failure(500, _openai("server_error", "The server had an error.\u2028"), 10, retried=True),
    Failure(502, _HTML, 6, retried=True),
    Failure(502, "upstream stream returned an error payload", 4, cut=True),
    Failure(400, _openai("invalid_request_error", "max_tokens is too large: 131072"), 9),
    Failure(401, _openai("authentication_error", "Incorrect API key provided: sk-****."), 3, retried=True),
)

_CODEX = (
    *_OPENAI_WAYS,
    Failure(
        408,
        "stream error: stream disconnected before completion: stream closed before response.completed",
        12,
        cut=True,
    ),
)

_GEMINI_WAYS = (
    *_EVERYWHERE,
    Failure(
        429,
        _gemini(429, "RESOURCE_EXHAUSTED", "You exceeded your quota, please check your plan & billing details."),
        45,
        retried=True,
    ),
    Failure(500, _gemini(500, "INTERNAL", "An internal error has occurred."), 12, retried=True),
    Failure(400, _gemini(400, "INVALID_ARGUMENT", "Unable to process input image."), 8),
)

_WAYS: dict[str, tuple[Failure, ...]] = {CLAUDE: _CLAUDE_WAYS, OPENAI: _OPENAI_WAYS, GEMINI: _GEMINI_WAYS}
