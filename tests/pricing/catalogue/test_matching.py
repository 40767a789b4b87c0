"""Which entry a model is: against a small catalogue in which every rule has its case."""

from types import SimpleNamespace

import pytest

from pricing.catalogue.matching import Unmatched, is_free, resolve, spellings


class Name:
    """Matches what begins so, as catalogues' rules do."""

    def __init__(self, start):
        self.start = start

    def is_match(self, text):
        return text.startswith(self.start)


def provider(id, models, owns=None, falls_back_to=()):
    listed = [SimpleNamespace(id=name, price=price, is_match=name.lower().__eq__) for name, price in models.items()]
    return SimpleNamespace(
        id=id, models=listed, model_match=owns and Name(owns), fallback_model_providers=list(falls_back_to)
    )


CATALOGUE = [
    provider("anthropic", {"claude-1": 1, "claude-2": 1, "claude-2-20260101": 7}, owns="claude"),
    provider("google", {"gemini-3-preview": 2, "claude-2": 3}, owns="gemini", falls_back_to=["anthropic"]),
    provider("groq", {"llama": 4, "shared": 4}),
    provider("novita", {"llama": 5, "shared": 4, "only-here": 6}),
    provider("moonshotai", {"kimi-k2": 8}, owns="kimi"),
    provider("openrouter", {"moonshotai/kimi-k2": 9, "qwen/coder": 9, "a/twice": 1, "b/twice": 2, "x/y:free": 0}),
    provider("zai", {"GLM-4": 3}),
]


def found(name, *routes):
    match = resolve(name, routes, CATALOGUE, lambda info: info.price)
    return f"{match.provider}/{match.info.id}"


@pytest.mark.parametrize(
    ("name", "routes", "expected"),
    [
        ("claude-1", [], "anthropic/claude-1"),
        ("CLAUDE-1", ["claude"], "anthropic/claude-1"),
        ("claude-1(high)", ["claude"], "anthropic/claude-1"),
        ("claude-1(8192)", ["claude"], "anthropic/claude-1"),
        ("claude-1-thinking", ["claude"], "anthropic/claude-1"),
        ("claude-1-thinking-32000", ["claude"], "anthropic/claude-1"),
        ("claude-1-20251101", ["claude"], "anthropic/claude-1"),
        ("claude-1-2025-11-01-thinking", ["claude"], "anthropic/claude-1"),
        # A stamp the catalogue knows is a model of its own.
        ("claude-2-20260101", ["claude"], "anthropic/claude-2-20260101"),
        # The provider of the route comes before the maker, and may resell the maker's.
        ("claude-2", ["vertex"], "google/claude-2"),
        ("claude-1", ["antigravity"], "anthropic/claude-1"),
        ("claude-2", ["openai-compatible-Claude-Reseller"], "anthropic/claude-2"),
        ("gemini-3", ["antigravity"], "google/gemini-3-preview"),
        ("gemini-3-high", ["antigravity"], "google/gemini-3-preview"),
        ("models/gemini-3-preview", ["gemini"], "google/gemini-3-preview"),
        ("llama", ["openai-compatible-my groq"], "groq/llama"),
        ("kimi-k2", ["openai-compatible-openrouter-mock"], "openrouter/moonshotai/kimi-k2"),
        ("coder", ["openai-compatible-openrouter"], "openrouter/qwen/coder"),
        # org/name, at the org first.
        ("moonshotai/kimi-k2", ["openai-compatible-acme"], "moonshotai/kimi-k2"),
        ("qwen/coder", [], "openrouter/qwen/coder"),
        ("z-ai/glm-4", [], "zai/GLM-4"),
        ("x/y:free", [], "openrouter/x/y:free"),
        # Whoever lists it, when they agree.
        ("only-here", [], "novita/only-here"),
        ("shared", [], "groq/shared"),
        # Routes that disagree: the maker's.
        ("claude-2", ["claude", "vertex"], "anthropic/claude-2"),
        ("kimi-k2", ["kimi", "openai-compatible-openrouter"], "moonshotai/kimi-k2"),
    ],
)
def test_a_model_is_found(name, routes, expected):
    assert found(name, *routes) == expected


@pytest.mark.parametrize(
    ("name", "routes", "reason"),
    [
        ("nobody", [], "The catalogue lists no model of this name."),
        ("llama", [], "Ambiguous: groq, novita list it at different prices."),
        ("llama", ["openai-compatible-acme"], "Ambiguous: groq, novita list it at different prices."),
        ("llama", ["openai-compatible-groq", "openai-compatible-novita"], "Ambiguous: groq, novita list it at"),
        ("twice", ["openai-compatible-openrouter"], "The catalogue lists no model of this name."),
        ("claude-10", ["claude"], "The catalogue lists no model of this name."),
        # Free is never taken for what is not, nor the other way round.
        ("moonshotai/kimi-k2:free", [], "The catalogue lists no model of this name."),
        ("x/y", [], "The catalogue lists no model of this name."),
    ],
)
def test_what_is_unknown_or_ambiguous_is_not_guessed(name, routes, reason):
    with pytest.raises(Unmatched, match=reason):
        found(name, *routes)


def test_the_name_itself_is_tried_first():
    assert spellings("kimi-k2-thinking(high)") == [
        "kimi-k2-thinking(high)",
        "kimi-k2-thinking",
        "kimi-k2",
        "kimi-k2-thinking-preview",
        "kimi-k2-preview",
    ]


@pytest.mark.parametrize(
    ("name", "expected"), [("a/b:free", True), ("A/B:FREE(high)", True), ("a/b", False), ("free", False)]
)
def test_a_free_model_says_so(name, expected):
    assert is_free(name) is expected
