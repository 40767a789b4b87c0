"""CPA's log of a request as sections: headers as pairs, JSON indented, messages as a conversation. Pure."""

import json
import re
from typing import NamedTuple

HEADING = re.compile(r"^=== (.+?) ===$", re.MULTILINE)
HEADER = re.compile(r"^(?!data:|event:)([A-Za-z][\w .-]{0,60}): (.*)$")  # not the lines of a stream
BODY = "Body:"
MOST_JSON = 500_000  # characters; a longer body is shown as it is, not indented


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
    parts = HEADING.split(text)
    found = [_section("", parts[0])] if parts[0].strip() else []
    return found + [_section(title, body) for title, body in zip(parts[1::2], parts[2::2], strict=True)]


def _section(title, text):
    lines, headers = text.strip("\n").split("\n"), []
    while lines and (not lines[0].strip() or lines[0] in ("Headers:", BODY) or HEADER.match(lines[0])):
        line = lines.pop(0)
        if line == BODY:
            break
        if found := HEADER.match(line):
            headers.append((found[1], found[2]))
    body = "\n".join(lines).strip()
    value = _json(body)
    if value is None:
        return Section(title, headers, body, _streamed(body))
    return Section(title, headers, json.dumps(value, indent=2, ensure_ascii=False), messages_of(value))


def _json(text):
    if not text.startswith(("{", "[")) or len(text) > MOST_JSON:
        return None
    try:
        return json.loads(text)
    except ValueError:  # cut off, or not JSON after all
        return None


def messages_of(value) -> list[Message]:
    """The conversation in a request or a reply of OpenAI's, Anthropic's or Google's kind; empty where none is found."""
    if not isinstance(value, dict):
        return []
    turns = _first(value, ("messages", "contents", "input", "output"))
    if isinstance(turns, str):
        turns = [{"role": "user", "content": turns}]
    found = [("system", _first(value, ("system", "instructions", "systemInstruction")))]
    found += [(str(turn.get("role") or turn.get("type") or ""), turn) for turn in _dicts(turns)]
    found += [("assistant", choice.get("message") or choice) for choice in _dicts(value.get("choices"))]
    found += [("assistant", candidate.get("content")) for candidate in _dicts(value.get("candidates"))]
    if not turns:
        found.append((str(value.get("role") or "assistant"), value.get("content")))
    return [Message(role, text) for role, content in found if (text := _text(content))]


def _first(value, names):
    """The first of these that is not empty."""
    return next((value[name] for name in names if value.get(name)), None)


def _dicts(items):
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _text(value):
    """All text in a message, whatever its nesting; other content is named by its type."""
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
    chunks = (_json(line[5:].strip()) for line in body.split("\n") if line.startswith("data:"))
    text = "".join(_delta(chunk) for chunk in chunks if isinstance(chunk, dict))
    return [Message("assistant", text)] if text else []


def _delta(chunk):
    delta = chunk.get("delta")
    if isinstance(delta, str):
        return delta if str(chunk.get("type", "")).endswith("text.delta") else ""
    parts = [delta, *(choice.get("delta") for choice in _dicts(chunk.get("choices")))]
    parts += [candidate.get("content") for candidate in _dicts(chunk.get("candidates"))]
    return "".join(_text(_first(part, ("text", "content", "parts"))) for part in _dicts(parts))
