"""Each row is what CPA was seen to send, or what an older CPA would have sent of it, and the classes that makes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.records.decoding import MOST, Breakdown, InputTokens, OutputTokens, TokenCounts
from usage.records.tokens import Tokens, classify, family

OPENAI, CLAUDE, GEMINI = (1201, 350, 120, 800, 0, 1551), (92, 210, 0, 3000, 500, 3802), (976, 150, 400, 600, 0, 1526)


def made(uncached, read, written, *rest):
    """Classes of a record that does not say for how long the cache was written."""
    return Tokens(uncached, read, 0, 0, written, *rest)


def counts(*figures, cached=None):
    into, out, reasoning, read, written, total = figures
    return TokenCounts(into, out, reasoning, read if cached is None else cached, total, read, written)


@pytest.mark.parametrize(
    ("executor", "sent", "classes"),
    [
        ("OpenAICompatExecutor", OPENAI, (401, 800, 0, 230, 120, 0, 1551)),
        ("CodexExecutor", OPENAI, (401, 800, 0, 230, 120, 0, 1551)),
        ("XAIExecutor", OPENAI, (401, 800, 0, 230, 120, 0, 1551)),
        ("ClaudeExecutor", CLAUDE, (92, 3000, 500, 210, 0, 0, 3802)),
        ("GeminiExecutor", GEMINI, (376, 600, 0, 150, 400, 0, 1526)),
        ("GeminiVertexExecutor", GEMINI, (376, 600, 0, 150, 400, 0, 1526)),
        ("AntigravityExecutor", GEMINI, (376, 600, 0, 150, 400, 0, 1526)),
        ("AIStudioExecutor", GEMINI, (376, 600, 0, 150, 400, 0, 1526)),
        ("claudeEXECUTOR", CLAUDE, (92, 3000, 500, 210, 0, 0, 3802)),
        ("QwenExecutor", OPENAI, (401, 800, 0, 230, 120, 0, 1551)),
        ("CodexExecutor", (100, 20, 0, 0, 30, 120), (70, 0, 30, 20, 0, 0, 120)),  # writes are inside the input
    ],
)
def test_without_a_breakdown_the_executor_decides(executor, sent, classes):
    assert classify(executor, "whatever", counts(*sent), None) == made(*classes)


@pytest.mark.parametrize(
    ("executor", "provider", "style"),
    [
        ("", "claude", "claude"),
        ("", "Anthropic", "claude"),
        ("", "gemini", "gemini"),
        ("", "gemini-interactions", "gemini"),
        ("", "vertex", "gemini"),
        ("", "antigravity", "gemini"),
        ("unknown", "gemini", "gemini"),
        ("", "codex", "codex"),
        ("", "xai", "xai"),
        ("", "openai-compatible-claude", "openaicompat"),
        ("", "openai-compatible-gemini-pool", "openaicompat"),
        ("", "zai-claude", "claude"),
        ("GeminiCLIPluginExecutor", "gemini-cli", "gemini"),
        ("SomePlugin", "gemini-cli", "gemini"),
        ("InteractionsExecutor", "", "gemini"),
        ("", "openai-compatibility", "openaicompat"),
        ("KimiExecutor", "kimi", "openai"),
        ("", "grok-web", "xai"),
        ("DevinExecutor", "devin", ""),
        ("", "", ""),
        ("ClaudeExecutor", "zai", "claude"),
        ("ClaudeExecutor", "openai-compatible-x", "openaicompat"),
        ("OpenAICompatExecutor", "anthropic", "openaicompat"),
        ("CodexAutoExecutor", "codex", "codex"),
        ("QwenExecutor", "qwen", "openai"),
    ],
)
def test_family(executor, provider, style):
    assert family(executor, provider) == style


@pytest.mark.parametrize(
    ("executor", "sent", "classes"),
    [
        # Claude repeats what it wrote as cached when nothing was read.
        ("ClaudeExecutor", counts(92, 210, 0, 0, 500, 802, cached=500), (92, 0, 500, 210, 0, 0, 802)),
        ("ClaudeExecutor", counts(92, 210, 0, 0, 500, 1002, cached=200), (92, 200, 500, 210, 0, 0, 1002)),
        # Before 7.0.3 there was only cached_tokens.
        ("CodexExecutor", TokenCounts(1201, 350, 120, 800, 1551), (401, 800, 0, 230, 120, 0, 1551)),
        ("ClaudeExecutor", TokenCounts(92, 210, 0, 3000, 3302), (92, 3000, 0, 210, 0, 0, 3302)),
        # cache_read is the better figure where both are there.
        ("CodexExecutor", counts(1000, 10, 0, 300, 0, 1010, cached=400), (700, 300, 0, 10, 0, 0, 1010)),
        # More cached than came in, more reasoning than went out: no class is negative.
        ("CodexExecutor", counts(100, 20, 50, 300, 0, 120), (0, 300, 0, 0, 20, 0, 120)),
        ("GeminiExecutor", counts(100, 20, 50, 0, 0, 170), (100, 0, 0, 20, 50, 0, 170)),
        # Only a total.
        ("OpenAICompatExecutor", counts(0, 0, 0, 0, 0, 777), (0, 0, 0, 0, 0, 777, 777)),
        # A total that is more than its parts, and one that is less.
        ("OpenAICompatExecutor", counts(1209, 350, 120, 800, 0, 2559), (409, 800, 0, 1230, 120, 0, 2559)),
        ("OpenAICompatExecutor", counts(10, 5, 0, 0, 0, 0), (10, 0, 0, 5, 0, 0, 0)),
    ],
)
def test_odd_counts(executor, sent, classes):
    assert classify(executor, "", sent, None) == made(*classes)


@pytest.mark.parametrize(
    ("executor", "sent", "classes"),
    [
        # The total says that the reasoning comes on top of the output.
        ("OpenAICompatExecutor", counts(32, 9, 94, 0, 0, 135), (32, 0, 0, 9, 94, 0, 135)),
        # ... and that it does not.
        ("OpenAICompatExecutor", counts(32, 103, 94, 0, 0, 135), (32, 0, 0, 9, 94, 0, 135)),
        # What the total knows beyond a known output is output.
        ("OpenAICompatExecutor", counts(1000, 50, 0, 0, 0, 1850), (1000, 0, 0, 850, 0, 0, 1850)),
        # ... also where all of that is reasoning.
        ("OpenAICompatExecutor", counts(1000, 50, 50, 0, 0, 1850), (1000, 0, 0, 800, 50, 0, 1850)),
        # An unknown executor with a cache on top of its input, as the total says.
        ("DevinExecutor", counts(1200, 300, 0, 5000, 0, 6500), (1200, 5000, 0, 300, 0, 0, 6500)),
        ("DevinExecutor", counts(6200, 300, 0, 5000, 0, 6500), (1200, 5000, 0, 300, 0, 0, 6500)),
    ],
)
def test_the_total_tells_what_stands_beside_what(executor, sent, classes):
    assert classify(executor, "", sent, None) == made(*classes)


@pytest.mark.parametrize(
    ("five", "hour", "written"),
    [
        (None, None, (0, 0, 500)),
        (500, 0, (500, 0, 0)),
        (0, 500, (0, 500, 0)),
        (200, 250, (250, 250, 0)),  # what the split leaves over was kept for five minutes
        (None, 100, (400, 100, 0)),
        (0, 900, (0, 500, 0)),
    ],
)
def test_cache_writes_by_lifetime(five, hour, written):
    sent = counts(92, 210, 0, 3000, 500, 3802)
    sent.cache_creation_5m_tokens, sent.cache_creation_1h_tokens = five, hour
    assert classify("ClaudeExecutor", "claude", sent, None) == Tokens(92, 3000, *written, 210, 0, 0, 3802)


def test_writes_that_are_told_by_their_lifetimes_alone_are_writes():
    sent = TokenCounts(10, 5, 0, 0, 315, cache_creation_5m_tokens=100, cache_creation_1h_tokens=200)
    assert classify("ClaudeExecutor", "", sent, None) == Tokens(10, 0, 100, 200, 0, 5, 0, 0, 315)


def breakdown(*, quality="complete", schema=2, total=1551, into=(1201, 401, 800, 0), out=(350, 230, 120), rest=0):
    return Breakdown(schema, quality, total, InputTokens(*into), OutputTokens(*out), rest)


def test_a_complete_breakdown_is_taken_as_it_is_and_the_total_is_cpas():
    sent = counts(9, 9, 9, 9, 9, 1552)
    assert classify("ClaudeExecutor", "claude", sent, breakdown()) == made(401, 800, 0, 230, 120, 0, 1552)


def test_a_complete_breakdown_may_have_unclassified_tokens():
    whole = breakdown(total=1561, rest=10)
    assert classify("CodexExecutor", "codex", counts(*OPENAI), whole) == made(401, 800, 0, 230, 120, 10, 1551)


@pytest.mark.parametrize(
    "broken",
    [
        breakdown(quality="inconsistent"),
        breakdown(quality="unclassified"),
        breakdown(quality=""),
        breakdown(schema=3),
        breakdown(total=1552),
        breakdown(into=(1201, 400, 800, 0)),
        breakdown(out=(350, 230, 121)),
        breakdown(rest=1),
        None,
    ],
)
def test_any_other_breakdown_is_not_believed(broken):
    sent = counts(1209, 350, 120, 800, 0, 2559)
    expected = made(409, 800, 0, 1230, 120, 0, 2559)
    assert classify("OpenAICompatExecutor", "openai-compatible-x", sent, broken) == expected


figures = st.integers(0, MOST)


@given(
    st.sampled_from(["ClaudeExecutor", "CodexExecutor", "GeminiExecutor"]),
    st.builds(TokenCounts, figures, figures, figures, figures, figures, st.none() | figures, st.none() | figures),
)
def test_no_class_is_negative_and_the_total_is_never_exceeded_by_the_unclassified(executor, sent):
    tokens = classify(executor, "", sent, None)
    assert min(tokens) >= 0
    assert tokens.total == sent.total_tokens
    classified = sum(tokens[:-2])
    assert tokens.unclassified == max(sent.total_tokens - classified, 0)
    assert not (tokens.unclassified and (tokens.output or tokens.reasoning))
