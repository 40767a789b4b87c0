"""CPA's log of a request as something to read."""

from usage.requestlogs.sections import Message, Section, messages_of, sections

LOG = """=== REQUEST INFO ===
Version: v7.2.140
URL: /v1/chat/completions

=== REQUEST BODY ===
{"model":"m","messages":[{"role":"system","content":"Be brief."},
{"role":"user","content":[{"type":"text","text":"Hi"}]}]}

=== API RESPONSE 1 ===
Timestamp: 2026-11-24T12:00:00Z

Status: 200
Headers:
Content-Type: text/event-stream

Body:
data: {"choices":[{"delta":{"role":"assistant","content":"Hel"}}]}

data: {"choices":[{"delta":{"content":"lo"}}]}

data: [DONE]
"""


def test_a_log_falls_into_its_sections():
    info, body, answer = sections(LOG)
    assert info == Section("REQUEST INFO", [("Version", "v7.2.140"), ("URL", "/v1/chat/completions")], "", [])
    assert body.messages == [Message("system", "Be brief."), Message("user", "Hi")]
    assert body.body.startswith('{\n  "model": "m",')
    assert answer.headers == [
        ("Timestamp", "2026-11-24T12:00:00Z"),
        ("Status", "200"),
        ("Content-Type", "text/event-stream"),
    ]
    assert answer.messages == [Message("assistant", "Hello")]


def test_what_is_no_log_is_one_section():
    assert sections("just words {") == [Section("", [], "just words {", [])]
    assert sections("") == []


def test_conversations_of_every_kind():
    assert messages_of({"system": [{"type": "text", "text": "S"}], "messages": [{"role": "user", "content": "U"}]}) == [
        Message("system", "S"),
        Message("user", "U"),
    ]
    assert messages_of({"contents": [{"role": "user", "parts": [{"text": "U"}]}]}) == [Message("user", "U")]
    assert messages_of({"candidates": [{"content": {"parts": [{"text": "A"}]}}]}) == [Message("assistant", "A")]
    assert messages_of({"role": "assistant", "content": [{"type": "text", "text": "A"}]}) == [Message("assistant", "A")]
    assert messages_of({"instructions": "S", "input": "U"}) == [Message("system", "S"), Message("user", "U")]
    assert messages_of({"choices": [{"message": {"content": "A"}}]}) == [Message("assistant", "A")]
    assert messages_of({"messages": [{"role": "user", "content": [{"type": "image"}]}, 3, None]}) == [
        Message("user", "[image]")
    ]
    assert messages_of([1, 2]) == messages_of({"messages": None}) == []
