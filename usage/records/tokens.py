"""Tokens in disjoint classes: what CPA's overlapping figures mean depends on which executor counted them."""

from functools import lru_cache
from typing import NamedTuple

from usage.records.decoding import Breakdown, TokenCounts

COMPATIBLE = "openai-compatible-"


class Tokens(NamedTuple):
    """Disjoint classes of tokens (pricing.tokenclasses), and `total`: CPA's own figure, which need not be their sum."""

    uncached: int
    cache_read: int
    cache_write: int  # kept for five minutes
    cache_write_1h: int
    cache_write_unspecified: int  # kept for a time that CPA does not tell
    output: int  # without reasoning
    reasoning: int
    unclassified: int
    total: int


def classify(executor: str, provider: str, tokens: TokenCounts, breakdown: Breakdown | None) -> Tokens:
    """The classes of one attempt: its breakdown where that is complete, else its counts read in the executor's way."""
    total = tokens.total_tokens
    if breakdown is not None and _holds(breakdown):
        into, out, unclassified = breakdown.input, breakdown.output, breakdown.unclassified_tokens
        uncached, read, written = into.uncached_tokens, into.cache_read_tokens, into.cache_write_tokens
        output, reasoning = out.non_reasoning_tokens, out.reasoning_tokens
    else:
        style = family(executor, provider)
        uncached, read, written = _input(style, tokens)
        output, reasoning = _output(style, tokens)
        unclassified = max(total - uncached - read - written - output - reasoning, 0)
        if output or reasoning:  # the total knows more than an output that is known: more of the output
            output, unclassified = output + unclassified, 0
    return Tokens(uncached, read, *_lifetimes(written, tokens), output, reasoning, unclassified, total)


def _holds(breakdown):
    """Whether a breakdown says that it is complete, and its sums do not contradict it."""
    into, out = breakdown.input, breakdown.output
    return (
        breakdown.quality == "complete"
        and breakdown.schema_version == 2
        and into.total_tokens == into.uncached_tokens + into.cache_read_tokens + into.cache_write_tokens
        and out.total_tokens == out.non_reasoning_tokens + out.reasoning_tokens
        and breakdown.total_tokens == into.total_tokens + out.total_tokens + breakdown.unclassified_tokens
    )


def _input(style, tokens):
    """(uncached, cache read, cache write)."""
    read, cached, written = tokens.cache_read_tokens or 0, tokens.cached_tokens, _written(tokens)
    if style == "claude":  # input does not include the cache; without reads CPA repeats the writes as cached
        if not read and cached != written:
            read = cached
        return tokens.input_tokens, read, written
    read = read or cached
    apart = tokens.input_tokens + read + written + tokens.output_tokens
    if not style and read + written and tokens.total_tokens == apart:
        return tokens.input_tokens, read, written  # the total says so: input does not include the cache
    return max(tokens.input_tokens - read - written, 0), read, written


def _output(style, tokens):
    """(output without reasoning, reasoning)."""
    output, reasoning = tokens.output_tokens, tokens.reasoning_tokens
    if style == "gemini" or (reasoning and tokens.total_tokens == tokens.input_tokens + output + reasoning):
        return output, reasoning  # the total says so: output does not include the reasoning
    reasoning = min(reasoning, output)
    return output - reasoning, reasoning


def _written(tokens):
    """All that was written to a cache: as CPA says, else the sum of its parts."""
    if tokens.cache_creation_tokens is None:
        return (tokens.cache_creation_5m_tokens or 0) + (tokens.cache_creation_1h_tokens or 0)
    return tokens.cache_creation_tokens


def _lifetimes(written, tokens):
    """What was written to a cache: (for five minutes, for an hour, for an unknown time)."""
    if tokens.cache_creation_5m_tokens is None and tokens.cache_creation_1h_tokens is None:
        return 0, 0, written
    hour = min(tokens.cache_creation_1h_tokens or 0, written)
    return written - hour, hour, 0


@lru_cache(1024)
def family(executor: str, provider: str) -> str:
    """`claude`, `gemini`, `codex`, `xai`, `openaicompat`, `openai`: which figures include which; '' where we guess.

    Found by parts of both words, in this order, as CPA does itself (sdk/cliproxy/usage/accounting.go). An
    OpenAI-compatible reseller counts the OpenAI way whatever its name promises, and so does who is not known.
    """
    words = f"{provider} {executor}".lower()
    if executor.lower() == "openaicompatexecutor" or provider.lower().startswith("openai-compatib"):
        return "openaicompat"  # a vendor of the user's choice
    return next((name for part, name in _FAMILIES if part in words), "")


def vendor(executor: str, provider: str) -> str:
    """The provider as CPA names it since 7.2.21: before, it left out what marks an OpenAI-compatible vendor.

    Before 7.1.38 it sent no executor either; then a provider that is none of CPA's own is such a vendor.
    """
    name = provider.lower()
    unnamed = not executor and name not in OWN and family("", provider) in {"", "openai"}
    if name and not name.startswith("openai-compatib") and (unnamed or executor.lower() == "openaicompatexecutor"):
        return f"{COMPATIBLE}{name}"
    return provider


# CPA's own providers that count the OpenAI way; those of other families are known by their family.
OWN = {"kimi", "qwen", "iflow", "openai", "unknown"}
_FAMILIES = (
    *(("claude", "claude"), ("anthropic", "claude")),
    *((part, "gemini") for part in ("gemini", "aistudio", "antigravity", "vertex", "interaction")),
    *(("codex", "codex"), ("xai", "xai"), ("grok", "xai")),
    *((part, "openai") for part in ("openai", "kimi", "qwen", "deepseek", "openrouter")),
)
