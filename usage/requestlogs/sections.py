"""CPA's log of a request as sections to read: headers as pairs, JSON laid out, messages as a conversation. Pure."""

import json
import re
from typing import NamedTuple

HEADING = re.compile(r"^=== (.+?) ===$", re.MULTILINE)
HEADER = re.compile(r"^(?!data:|event:)([A-Za-z][\w .-]{0,60}): (.*)$")  # the lines of a stream are no headers
BODY = "Body:"
LAID_OUT = 500_000  # characters; a longer body is shown as it came


class Message(NamedTuple):
    """Who said what."""

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
    if value is not None:
        return Section(title, headers, json.dumps(value, indent=2, ensure_ascii=False), messages_of(value))
    return Section(title, headers, body, _streamed(body))


def _json(text):
    if not text.startswith(("{", "[")) or len(text) > LAID_OUT:
        return None
    try:
        return json.loads(text)
    except ValueError:  # cut off, or not JSON after all
        return None


def messages_of(value) -> list[Message]:
    """The conversation in a request or a reply of OpenAI's, Anthropic's or Google's kind; empty where none is found."""
    if not isinstance(value, dict):
        return []
    system = value.get("system") or value.get("instructions") or value.get("systemInstruction")
    found = [Message("system", _text(system))] if system else []
    turns = value.get("messages") or value.get("contents") or value.get("input") or value.get("output")
    turns = [{"role": "user", "content": turns}] if isinstance(turns, str) else turns
    if isinstance(turns, list):
        found += [Message(str(t.get("role") or t.get("type") or ""), _text(t)) for t in turns if isinstance(t, dict)]
    found += [Message("assistant", _text(c.get("message") or c)) for c in _dicts(value, "choices")]
    found += [Message("assistant", _text(c.get("content"))) for c in _dicts(value, "candidates")]
    if not turns and value.get("content"):
        found.append(Message(str(value.get("role") or "assistant"), _text(value["content"])))
    return [message for message in found if message.text]


def _dicts(value, name):
    items = value.get(name)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _text(value):
    """All text in a message, whatever its nesting; other content is named by its type."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(filter(None, map(_text, value)))
    if not isinstance(value, dict):
        return ""
    for name in ("text", "content", "parts", "output", "arguments", "thinking"):
        if value.get(name):
            return _text(value[name])
    return f"[{value['type']}]" if isinstance(value.get("type"), str) and value["type"] != "text" else ""


def _streamed(body):
    """What the events of a stream add up to."""
    chunks = (_json(line[5:].strip()) for line in body.split("\n") if line.startswith("data:"))
    text = "".join(_delta(chunk) for chunk in chunks if isinstance(chunk, dict))
    return [Message("assistant", text)] if text else []


def _delta(chunk):
    delta = chunk.get("delta")
    if isinstance(delta, str):
        return delta if str(chunk.get("type", "")).endswith("text.delta") else ""
    if isinstance(delta, dict):
        return delta.get("text") or ""
    found = [choice.get("delta") or {} for choice in _dicts(chunk, "choices")]
    found += [candidate.get("content") or {} for candidate in _dicts(chunk, "candidates")]
    return "".join(_text(part) for part in found if isinstance(part, dict) and any(map(part.get, ("content", "parts"))))
