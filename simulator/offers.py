"""Which models the simulated installation offers: real names that price lists know, and two that none knows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """`name` is the upstream's, `shape` and `pace` name the pools of simulator.shapes its traffic draws from."""

    name: str
    owner: str
    accounts: tuple[str, ...]
    shape: str = "chat"
    pace: str = "medium"


_CLAUDE = ("claude-mei", "claude-tobias", "claude-key")
_CODEX = ("codex-pro", "codex-plus")
_GEMINI = ("gemini-a", "gemini-b")
_ROUTER = ("router-a", "router-b")

MODELS = {
    model.name: model
    for model in (
        Model("claude-sonnet-4-5-20250929", "anthropic", _CLAUDE, "agent"),
        Model("claude-opus-4-5-20251101", "anthropic", _CLAUDE, "agent", "slow"),
        Model("claude-haiku-4-5-20251001", "anthropic", ("claude-mei", "claude-key"), "helper", "fast"),
        Model("claude-opus-4-1-20250805", "anthropic", ("claude-mei", "claude-key"), "agent", "slow"),
        Model("claude-sonnet-4-20250514", "anthropic", ("claude-tobias", "claude-key"), "agent"),
        Model("claude-sonnet-4-5", "Claude-Reseller", ("reseller",), "agent"),
        Model("gpt-5-codex", "openai", _CODEX, "agent", "slow"),
        Model("gpt-5.1-codex", "openai", _CODEX, "agent", "slow"),
        Model("gpt-5", "openai", (*_CODEX, "codex-key"), "thinker", "slow"),
        Model("gpt-5-mini", "openai", ("codex-pro", "codex-key"), "thinker"),
        Model("gpt-4.1", "openai", ("codex-key",)),
        Model("gpt-image-2", "openai", ("codex-pro",), "image", "slow"),
        Model("gemini-2.5-pro", "google", _GEMINI, "thinker"),
        Model("gemini-2.5-flash", "google", (*_GEMINI, "vertex"), "chat", "fast"),
        Model("gemini-2.5-flash-lite", "google", _GEMINI, "helper", "fast"),
        Model("gemini-3-pro-preview", "google", ("antigravity",), "thinker"),
        Model("grok-4", "xai", ("xai",), "thinker"),
        Model("grok-code-fast-1", "xai", ("xai",), "agent", "fast"),
        Model("deepseek-chat", "deepseek", ("deepseek",)),
        Model("deepseek-reasoner", "deepseek", ("deepseek",), "thinker", "slow"),
        Model("moonshotai/kimi-k2", "OpenRouter", _ROUTER, "agent"),
        Model("moonshotai/kimi-k2:free", "OpenRouter", _ROUTER),
        Model("qwen3-coder-plus", "OpenRouter", _ROUTER, "agent"),
        Model("glm-4.6", "OpenRouter", _ROUTER, "agent"),
        Model("acme-coder-32b-instruct-sft-2026-03", "acme-inference", ("acme",), "chat", "fast"),
        Model("acme-summariser", "acme-inference", ("acme",), "long", "fast"),
    )
}

# What clients may say instead of the upstream's name.
ALIASES = {
    "claude-sonnet-latest": "claude-sonnet-4-5-20250929",
    "team-a/claude-sonnet-4-5-20250929": "claude-sonnet-4-5-20250929",
    "team-c/claude-sonnet-4-5": "claude-sonnet-4-5",
    "codex-latest": "gpt-5-codex",
    "gemini-flash": "gemini-2.5-flash",
    "vertex-flash": "gemini-2.5-flash",
    "kimi-k2": "moonshotai/kimi-k2",
    "kimi-free": "moonshotai/kimi-k2:free",
    "acme-coder": "acme-coder-32b-instruct-sft-2026-03",
}
