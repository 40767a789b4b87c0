"""CPA's log of a request as sections: headers as pairs, JSON indented, messages as a conversation. Pure.

Clients and upstreams wrote the text: no type in it is certain, and what cannot be laid out is shown as it is.
"""

import json
import re
from typing import NamedTuple

import msgspec

from usage.records.decoding import legible

HEADING = re.compile(r"^=== (.{1,200}?) ===$", re.MULTILINE)
HEADER = re.compile(r"^(?!data:|event:)([A-Za-z][\w .-]{0,60}): (.{0,2000})$")  # not the lines of a stream
DATA = re.compile(r"^data:(.*)$", re.MULTILINE)
BODY = "Body:"
# What is more than this is shown as it is, not laid out.
MOST_SECTIONS, MOST_HEADER_LINES, MOST_MESSAGES = 50, 200, 500
MOST_JSON = 500_000  # characters of a body
MOST_DEPTH = 25
ROLE = 40


class Message(NamedTuple):
    """One turn of a conversation."""

    role: str
    text: str


class Section(NamedTuple):
    """A part of the log: its lines of `name: value`, its body, and the messages found in it."""

    title: str
    headers: list[tuple[str, str]]
    body: str
    messages: list[Message]


def sections(text: str) -> list[Section]:
    """The sections between the headings of a log; a text without any is one section."""
    parts = HEADING.split(legible(text), MOST_SECTIONS)
    found = [_section("", parts[0])] if parts[0].strip() else []
    return found + [_section(title, body) for title, body in zip(parts[1::2], parts[2::2], strict=True)]


def _section(title, text):
    lines, headers, at = text.strip("\n").split("\n", MOST_HEADER_LINES), [], 0
    while at < len(lines):
        line, found = lines[at], HEADER.match(lines[at])
        if found:
            headers.append((found[1], found[2]))
        elif line.strip() and line not in ("Headers:", BODY):
            break
        at += 1
        if line == BODY:
            break
    return Section(title, headers, *_laid_out("\n".join(lines[at:]).strip()))


def _laid_out(body):
    """(the body as it is shown, the conversation in it)."""
    try:
        value = _json(body)
        if value is None:
            return body, _streamed(body)
        return _indented(value, body), messages_of(value)
    except RecursionError:
        return body, []


def _json(text):
    """The value of a JSON object or list; None for everything else."""
    if not text.startswith(("{", "[")) or len(text) > MOST_JSON:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # cut off, not JSON after all, or nested too deeply
        return None


def _indented(value, body):
    """The JSON on many lines, unless they are mostly blanks."""
    if _depth(value) > MOST_DEPTH:
        return body
    try:
        shown = msgspec.json.format(legible(json.dumps(value, ensure_ascii=False)), indent=2)
    except msgspec.DecodeError:  # NaN, or a number that is infinite here
        return body
    return shown if len(shown) <= 3 * len(body) else body


def _depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)


def messages_of(value) -> list[Message]:
    """The conversation in a request or a reply of OpenAI's, Anthropic's or Google's kind; empty where none is found.

    Raises RecursionError for a text that is nested too deeply.
    """
    if not isinstance(value, dict):
        return []
    turns = _first(value, ("messages", "contents", "input", "output"))
    if isinstance(turns, str):
        turns = [{"role": "user", "content": turns}]
    found = [("system", _first(value, ("system", "instructions", "systemInstruction")))]
    found += [(turn.get("role") or turn.get("type"), turn) for turn in _dicts(turns)]
    found += [("assistant", choice.get("message") or choice) for choice in _dicts(value.get("choices"))]
    found += [("assistant", candidate.get("content")) for candidate in _dicts(value.get("candidates"))]
    if not turns:
        found.append((value.get("role") or "assistant", value.get("content")))
    texts = ((role if isinstance(role, str) else "", _text(content)) for role, content in found[:MOST_MESSAGES])
    return [Message(legible(role[:ROLE]), legible(text)) for role, text in texts if text]


def _first(value, names):
    """The first of these values that is not empty."""
    return next((value[name] for name in names if value.get(name)), None)


def _dicts(items):
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _text(value):
    """All text in a message, however nested; other content is shown as the name of its type."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(filter(None, map(_text, value)))
    if not isinstance(value, dict):
        return ""
    if content := _first(value, ("text", "content", "parts", "output", "arguments", "thinking")):
        return _text(content)
    return f"[{value['type']}]" if isinstance(value.get("type"), str) and value["type"] != "text" else ""


def _streamed(body):
    """The reply that the events of a stream add up to."""
    chunks = (_json(found[1].strip()) for found in DATA.finditer(body))
    text = "".join(_delta(chunk) for chunk in chunks if isinstance(chunk, dict))
    return [Message("assistant", legible(text))] if text else []


def _delta(chunk):
    delta = chunk.get("delta")
    if isinstance(delta, str):
        return delta if str(chunk.get("type", "")).endswith("text.delta") else ""
    parts = [delta, *(choice.get("delta") for choice in _dicts(chunk.get("choices")))]
    parts += [candidate.get("content") for candidate in _dicts(chunk.get("candidates"))]
    return "".join(_text(_first(part, ("text", "content", "parts"))) for part in _dicts(parts))
