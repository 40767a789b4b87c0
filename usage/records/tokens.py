"""Tokens in disjoint classes: what CPA's overlapping figures mean depends on which executor counted them."""

from functools import lru_cache
from typing import NamedTuple

from msgspec.structs import astuple

from usage.records.decoding import Breakdown, TokenCounts


class Tokens(NamedTuple):
    """Disjoint classes of tokens, and `total`: CPA's own figure, which need not be their sum."""

    uncached: int
    cache_read: int
    cache_write: int
    output: int  # without reasoning
    reasoning: int
    unclassified: int
    total: int


def classify(executor: str, provider: str, tokens: TokenCounts, breakdown: Breakdown | None) -> Tokens:
    """The classes of one attempt: its breakdown where that is complete, else its counts read in the executor's way."""
    if breakdown is not None and _holds(breakdown):
        _, *into = astuple(breakdown.input)
        _, *out = astuple(breakdown.output)
        unclassified = breakdown.unclassified_tokens
    else:
        style = family(executor, provider)
        into, out = _input(style, tokens), _output(style, tokens)
        unclassified = max(tokens.total_tokens - sum(into) - sum(out), 0)
    return Tokens(*into, *out, unclassified, tokens.total_tokens)


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
    read, cached, written = tokens.cache_read_tokens or 0, tokens.cached_tokens, tokens.cache_creation_tokens or 0
    if style == "claude":  # input does not include the cache; without reads CPA repeats the writes as cached
        if not read and cached != written:
            read = cached
        return tokens.input_tokens, read, written
    read = read or cached
    return max(tokens.input_tokens - read - written, 0), read, written


def _output(style, tokens):
    """(output without reasoning, reasoning)."""
    if style == "gemini":  # output does not include thoughts
        return tokens.output_tokens, tokens.reasoning_tokens
    reasoning = min(tokens.reasoning_tokens, tokens.output_tokens)
    return tokens.output_tokens - reasoning, reasoning


@lru_cache(1024)
def family(executor: str, provider: str) -> str:
    """`claude`, `gemini`, `codex`, `xai`, `openaicompat` or '': who counted and billed; by provider without executor.

    An OpenAI-compatible reseller counts the OpenAI way whatever its name promises.
    """
    provider = provider.lower()
    if provider.startswith("openai-compatible"):
        return "openaicompat"
    name = executor.lower().removesuffix("executor").removesuffix("auto")
    return _FAMILIES.get(provider.replace("-", "") if name in ("", "unknown") else name, "")


# By executor or provider, in small letters and without hyphens.
_FAMILIES = {
    **dict.fromkeys(("claude", "anthropic"), "claude"),
    **dict.fromkeys(("gemini", "geminicli", "geminivertex", "vertex", "geminiinteractions"), "gemini"),
    **dict.fromkeys(("antigravity", "aistudio"), "gemini"),
    **{name: name for name in ("codex", "xai", "openaicompat")},
}
