"""Who asks for what, when and with which program: the habits of the simulated installation's client keys."""

from dataclasses import dataclass, field

MESSAGES = "POST /v1/messages"
CHAT = "POST /v1/chat/completions"
RESPONSES = "POST /v1/responses"
SOCKET = "GET /v1/responses"  # a WebSocket: its turns share one request id
CODEX = "POST /backend-api/codex/responses"
GEMINI = "POST /v1beta/models/*action"

_OFFICE = (0, 0, 0, 0, 0, 0, 0, 1, 4, 9, 10, 8, 4, 7, 10, 10, 9, 8, 5, 3, 2, 2, 1, 0)
_EVENING = (3, 1, 0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 3, 2, 2, 2, 3, 3, 4, 6, 9, 10, 9, 6)
_ALWAYS = (3, 2, 2, 2, 2, 3, 4, 5, 7, 8, 8, 8, 7, 7, 8, 8, 8, 7, 7, 6, 6, 5, 4, 4)
_NIGHT = (8, 10, 10, 9, 6, 2, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 5)

_PLAIN = {"": 1}
_AUTO = {"auto": 1}


@dataclass(frozen=True)
class Habit:
    """A model asked for by some name at some endpoint. Efforts and tiers are words with their weights."""

    asks: str
    endpoint: str
    efforts: dict[str, int] = field(default_factory=lambda: _PLAIN)
    tiers: dict[str, int] = field(default_factory=lambda: _AUTO)
    stream: bool = True
    draws: bool = False  # now and then calls the hosted image tool: a second record


@dataclass(frozen=True)
class Client:
    """`hours` are weights per local hour, `weekend` the share left on Saturdays and Sundays. A peer is (address,
    forwarded-for, user agent). Habits come in order of popularity."""

    name: str
    hours: tuple[int, ...]
    weekend: float
    peers: tuple[tuple[str, str, str], ...]
    habits: tuple[Habit, ...]


_EFFORTS = {"": 6, "medium": 3, "high": 2}
_CODEX_EFFORTS = {"medium": 6, "high": 3, "xhigh": 1, "low": 1}
_CODEX_TIERS = {"auto": 8, "priority": 2}

# In order of popularity.
CLIENTS = (
    Client(
        "team",
        _OFFICE,
        0.12,
        (
            ("10.8.0.21", "", "claude-cli/2.1.220 (external, cli)"),
            ("10.8.0.22", "", "claude-cli/2.1.220 (external, cli)"),
            ("10.8.0.37", "203.0.113.5, 198.51.100.8", "claude-cli/2.0.76 (external, sdk-ts)"),
            ("10.8.0.40", "", "测试-agent/1.0 <b>"),
        ),
        (
            Habit("claude-sonnet-4-5-20250929", MESSAGES, _EFFORTS),
            Habit("claude-haiku-4-5-20251001", MESSAGES),
            Habit("claude-opus-4-5-20251101", MESSAGES, _EFFORTS),
            Habit("team-a/claude-sonnet-4-5-20250929", MESSAGES, _EFFORTS),
            Habit("team-c/claude-sonnet-4-5", MESSAGES),
            Habit("claude-opus-4-1-20250805", MESSAGES, {"": 3, "high": 1}),
            Habit("claude-sonnet-4-20250514", MESSAGES, {"": 4, "high": 1}),
        ),
    ),
    Client(
        "alice",
        _OFFICE,
        0.25,
        (
            ("10.8.0.11", "", "codex_cli_rs/0.114.0 (Mac OS 15.6; arm64)"),
            ("10.8.0.11", "", "OpenAI/Python 2.3.0"),
        ),
        (
            Habit("gpt-5-codex", RESPONSES, _CODEX_EFFORTS, _CODEX_TIERS, draws=True),
            Habit("gpt-5.1-codex", SOCKET, _CODEX_EFFORTS, _CODEX_TIERS),
            Habit("gpt-5", RESPONSES, {"medium": 3, "high": 1, "minimal": 1}),
            Habit("codex-latest", CODEX, {"medium": 2, "high": 1}),
            Habit("gpt-5-mini", CHAT, {"": 2, "low": 1}, stream=False),
            Habit("claude-sonnet-latest", CHAT, {"": 3, "medium": 1}),
        ),
    ),
    Client(
        "support",
        _ALWAYS,
        0.8,
        (("172.20.4.8", "", "LiteLLM/1.79.0"), ("172.20.4.9", "", "node-fetch/3 R&D \u2028bot")),
        (
            Habit("gemini-flash", GEMINI, {"": 3, "low": 1}),
            Habit("gpt-4.1", CHAT, stream=False),
            Habit("gemini-2.5-flash-lite", GEMINI, stream=False),
            Habit("gpt-5-mini", CHAT, {"minimal": 3, "low": 1}),
            Habit("deepseek-chat", CHAT),
            Habit("acme-coder", CHAT, stream=False),
        ),
    ),
    Client(
        "bob",
        _EVENING,
        1.3,
        (("10.8.0.54", "", "RooCode/3.28.1"), ("10.8.0.54", "", "Zed/0.211.4")),
        (
            Habit("kimi-k2", CHAT, {"": 3, "medium": 1}),
            Habit("gemini-2.5-pro", CHAT, {"": 2, "medium": 1, "high": 1}),
            Habit("grok-code-fast-1", CHAT),
            Habit("qwen3-coder-plus", CHAT),
            Habit("glm-4.6", CHAT),
            Habit("kimi-k2(high)", CHAT, {"high": 1}),
            Habit("deepseek-reasoner", CHAT),
            Habit("claude-opus-4-5-20251101", CHAT, {"": 2, "high": 1}),
        ),
    ),
    Client(
        "batch",
        _NIGHT,
        1.0,
        (("172.20.9.2", "", "python-httpx/0.28.1"),),
        (
            Habit("acme-summariser", CHAT, stream=False),
            Habit("gpt-5-mini", RESPONSES, {"low": 2, "minimal": 1}, {"flex": 4, "auto": 1}, stream=False),
            Habit("gemini-2.5-flash", GEMINI, {"": 3, "minimal": 1}, stream=False),
            Habit("deepseek-chat", CHAT, stream=False),
            Habit("claude-haiku-4-5-20251001", MESSAGES, stream=False),
        ),
    ),
    Client(
        "ci",
        _ALWAYS,
        0.3,
        (
            ("172.20.7.15", "192.0.2.77", "claude-cli/2.1.220 (external, sdk-py)"),
            ("172.20.7.16", "", "GoogleGenAI/1.24"),
        ),
        (
            Habit("claude-sonnet-4-5-20250929", MESSAGES, {"": 3, "high": 1}, stream=False),
            Habit("gpt-5-codex", RESPONSES, {"low": 2, "medium": 1}, {"default": 1}),
            Habit("gemini-2.5-pro", GEMINI, {"": 2, "low": 1}, stream=False),
            Habit("grok-4", CHAT, stream=False),
        ),
    ),
    Client(
        "mobile",
        _EVENING,
        1.2,
        (
            ("172.20.4.30", "198.51.100.23", "AcmeApp/5.4 (iOS 19.1)"),
            ("172.20.4.30", "2001:db8::4f", "AcmeApp/5.4 (Android 16)"),
            ("172.20.4.31", "198.51.100.201", "AcmeApp/5.3 (Android 15)"),
        ),
        (
            Habit("gemini-flash", CHAT, {"": 3, "low": 1}),
            Habit("gemini-3-pro-preview", CHAT, {"": 2, "high": 1}),
            Habit("vertex-flash", CHAT),
            Habit("grok-4", RESPONSES, {"": 1, "low": 1}),
        ),
    ),
    Client(
        "intern",
        _OFFICE,
        0.0,
        (("10.8.0.99", "", "curl/8.14.1"),),
        (
            Habit("kimi-free", CHAT, stream=False),
            Habit("gpt-5", CHAT, {"high": 1}),
            Habit("claude-opus-4-5-20251101", MESSAGES, {"high": 1}, stream=False),
        ),
    ),
)
