"""Which entry a model is: against a small catalogue in which every rule has its case."""

from types import SimpleNamespace

import pytest

from pricing.catalogue.matching import ambiguous, is_free, resolve, seller_of, spellings


class Name:
    """Matches what begins so, as catalogues' rules do."""

    def __init__(self, start):
        self.start = start

    def is_match(self, text):
        return text.startswith(self.start)


def provider(id, models, owns=None, falls_back_to=(), at=None):
    listed = [SimpleNamespace(id=name, price=price, is_match=name.lower().__eq__) for name, price in models.items()]
    return SimpleNamespace(
        id=id,
        models=listed,
        model_match=owns and Name(owns),
        fallback_model_providers=list(falls_back_to),
        api_pattern=at or f"https://api\\.{id}\\.com",
    )


CATALOGUE = [
    provider("anthropic", {"claude-1": 1, "claude-2": 1, "claude-2-20260101": 7}, owns="claude"),
    provider("google", {"gemini-3-preview": 2, "claude-2": 3}, owns="gemini", falls_back_to=["anthropic"]),
    provider("groq", {"llama": 4, "shared": 4}),
    provider("novita", {"llama": 5, "shared": 4, "only-here": 6}),
    provider("moonshotai", {"kimi-k2": 8}, owns="kimi"),
    provider("openrouter", {"moonshotai/kimi-k2": 9, "qwen/coder": 9, "a/twice": 1, "b/twice": 2, "x/y:free": 0}),
    provider("zai", {"GLM-4": 3, "glm-5": 3}, at=r"https://api\.z\.ai"),
    provider("zhipuai", {"glm-5": 2}, owns="glm-"),
]


def resolved(name, *routes, **known):
    """By routes that no base URL is known of."""
    sellers = {seller_of(route, "", CATALOGUE) for route in routes}
    return resolve(name, sellers, CATALOGUE, lambda info: info.price, **known)


def found(name, *routes, **known):
    return str(resolved(name, *routes, **known).default)


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
        # So does a vendor's name without the prefix, or as others spell it.
        ("llama", ["groq"], "groq/llama"),
        ("glm-5", ["z.ai"], "zai/glm-5"),
        ("glm-5", ["openai-compatible-z.ai"], "zai/glm-5"),
        ("glm-5", ["acme"], "zhipuai/glm-5"),
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
    ("name", "routes"),
    [
        ("unheard-of", []),
        ("twice", ["openai-compatible-openrouter"]),
        ("claude-10", ["claude"]),
        # Free is never taken for what is not, nor the other way round.
        ("moonshotai/kimi-k2:free", []),
        ("x/y", []),
    ],
)
def test_what_is_unknown_is_not_guessed(name, routes):
    assert resolved(name, *routes) == (None, {}, [])


@pytest.mark.parametrize("routes", [[], ["acme"], ["groq", "novita"]])
def test_what_is_ambiguous_names_its_candidates(routes):
    open = resolved("llama", *routes)
    assert (open.default, [str(match) for match in open.candidates]) == (None, ["groq/llama", "novita/llama"])
    assert ambiguous(open.candidates) == "Ambiguous: groq, novita list it at different prices."


def test_each_seller_of_a_route_has_its_own_entry():
    both = resolved("glm-5", "zai", "zhipuai")
    assert {seller: str(match) for seller, match in both.by_seller.items()} == {
        "zai": "zai/glm-5",
        "zhipuai": "zhipuai/glm-5",
    }
    assert (str(both.default), both.candidates) == ("zhipuai/glm-5", [])


def test_among_several_prices_the_one_followed_so_far_counts_before_the_makers():
    assert found("glm-5", "zai", "zhipuai", followed="zai/glm-5") == "zai/glm-5"
    assert found("glm-5", "zhipuai", followed="zai/glm-5") == "zhipuai/glm-5"


def test_another_seller_at_the_same_price_does_not_end_what_is_followed():
    assert found("shared", "groq", "novita") == "groq/shared"
    assert found("shared", "groq", "novita", followed="novita/shared") == "novita/shared"


def test_what_a_person_has_chosen_counts_first_and_the_others_stay_to_choose():
    picked = resolved("llama", "acme", chosen="novita/llama")
    assert (str(picked.default), len(picked.candidates)) == ("novita/llama", 2)
    assert found("glm-5", "zhipuai", chosen="zai/glm-5") == "zai/glm-5"
    assert found("glm-5", "zhipuai", chosen="gone/glm-5") == "zhipuai/glm-5"


@pytest.mark.parametrize(
    ("provider", "url", "seller"),
    [
        ("claude", "https://api.z.ai/api/anthropic", "zai"),
        ("claude", " HTTPS://API.Z.AI ", "zai"),
        ("claude", "", "anthropic"),
        ("claude", "https://proxy.example/https://api.z.ai", "anthropic"),
        ("openai-compatible-acme", "https://api.groq.com/openai/v1", "groq"),
        ("openai-compatible-acme", "https://acme.example", ""),
        ("", "", ""),
    ],
)
def test_the_base_url_decides_before_the_name(provider, url, seller):
    assert seller_of(provider, url, CATALOGUE) == seller


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
