"""The credentials of the simulated installation: what the catalogue lists and the traffic refers to."""

from dataclasses import dataclass
from hashlib import sha256

AUTH_DIR = "/srv/cpa/auths"

EXECUTORS = {
    "claude": "ClaudeExecutor",
    "codex": "CodexExecutor",
    "gemini": "GeminiExecutor",
    "gemini-interactions": "GeminiExecutor",
    "vertex": "GeminiVertexExecutor",
    "xai": "XAIExecutor",
    "antigravity": "AntigravityExecutor",
}


@dataclass(frozen=True)
class Account:
    """One credential. An OAuth one has a `file`, a key credential has `base_url` and `key`."""

    name: str  # how the traffic's tables call it
    provider: str  # as in a record
    source: str  # e-mail or raw key, as in a record
    base_url: str = ""
    file: str = ""
    plan: str = ""
    note: str = ""
    disabled: bool = False
    vendor: str = ""  # OpenAI-compatible only: its name as configured

    @property
    def oauth(self) -> bool:
        return bool(self.file)

    @property
    def executor(self) -> str:
        return EXECUTORS.get(self.provider, "OpenAICompatExecutor")

    @property
    def auth_index(self) -> str:
        """First 8 bytes of a SHA-256: of type and path for a file, of provider, address and key otherwise."""
        place = f"{AUTH_DIR}/{self.file}" if self.file else f"{self.base_url}\0{self.source}"
        return sha256(f"{self.provider}\0{place}".encode()).hexdigest()[:16]

    @property
    def auth_id(self) -> str:
        """How CPA's own logs name the credential."""
        if self.file:
            return self.file
        short = sha256(f"{self.base_url}|{self.source}".encode()).hexdigest()[:12]
        kind = f"openai-compatibility:{self.vendor}" if self.vendor else f"{self.provider}:apikey"
        return f"{kind}:{short}"


def _compatible(name: str, vendor: str, base_url: str, key: str) -> Account:
    return Account(name, f"openai-compatible-{vendor.lower()}", key, base_url, vendor=vendor)


ACCOUNTS = (
    Account("claude-mei", "claude", "mei.lin@example.com", file="claude-mei.lin@example.com.json", note="Max 20x, Mei"),
    Account("claude-tobias", "claude", "tobias@example.org", file="claude-tobias@example.org.json"),
    Account("claude-key", "claude", "sk-ant-demo-Zk81qPq0fXw7Rt2v", "https://api.anthropic.com"),
    Account("codex-pro", "codex", "carol@example.com", file="codex-carol@example.com-pro.json", plan="pro"),
    Account("codex-plus", "codex", "henrik@example.net", file="codex-henrik@example.net-plus.json", plan="plus"),
    Account(
        "codex-old", "codex", "former@example.com", file="codex-former@example.com.json", plan="plus", disabled=True
    ),
    Account("codex-key", "codex", "sk-proj-demo-H7tYw2Lm9cVb4Nx", "https://api.openai.com/v1"),
    Account("gemini-a", "gemini", "AIzaSyDemo-4fGh7JkLmN0pQr", "https://generativelanguage.googleapis.com"),
    Account("gemini-b", "gemini", "AIzaSyDemo-9sTuVwXyZ1a2Bc", "https://generativelanguage.googleapis.com"),
    Account("vertex", "vertex", "vk-demo-5d6e7f8g9h0i", "https://aiplatform.googleapis.com"),
    Account("antigravity", "antigravity", "erin@example.com", file="antigravity-erin@example.com.json"),
    Account("xai", "xai", "xai-demo-Qw3rTy7uIoP0aSdF", "https://api.x.ai/v1"),
    Account(
        "interactions", "gemini-interactions", "AIzaSyDemo-Idle0000000", "https://generativelanguage.googleapis.com"
    ),
    _compatible("router-a", "OpenRouter", "https://openrouter.ai/api/v1", "sk-or-v1-demo-a1b2c3d4e5f6"),
    _compatible("router-b", "OpenRouter", "https://openrouter.ai/api/v1", "sk-or-v1-demo-0f9e8d7c6b5a"),
    _compatible("deepseek", "deepseek", "https://api.deepseek.com/v1", "sk-demo-deepseek-77f3a1"),
    _compatible("reseller", "Claude-Reseller", "https://api.reseller.example/v1", "sk-reseller-demo-CCCC3333"),
    _compatible("acme", "acme-inference", "http://10.20.0.15:8000/v1", "acme-internal-token-01"),
)

BY_NAME = {account.name: account for account in ACCOUNTS}

CLIENT_KEYS = {
    "alice": "sk-client-alice-0001",
    "bob": "sk-client-bob-0002",
    "team": "sk-client-团队-0003",
    "ci": "sk-client-ci-runner-0004",
    "batch": "sk-client-nightly-batch-0005",
    "support": "sk-client-support-bot-0006",
    "mobile": "sk-client-mobile-app-0007",
    "intern": "k8",
}
