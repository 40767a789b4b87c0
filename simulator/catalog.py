"""What CPA says about itself: auth files, provider lists, client keys and models, free for a test to edit."""

from dataclasses import dataclass, field

from simulator.accounts import ACCOUNTS, AUTH_DIR, CLIENT_KEYS, Account
from simulator.offers import ALIASES, MODELS

# The management path's last part -> the provider its records carry.
KEY_LISTS = {
    "gemini-api-key": "gemini",
    "interactions-api-key": "gemini-interactions",
    "claude-api-key": "claude",
    "codex-api-key": "codex",
    "xai-api-key": "xai",
    "vertex-api-key": "vertex",
}
COMPATIBLE = "openai-compatibility"
_CREATED = 1_759_104_000


@dataclass
class Catalog:
    """JSON-shaped as CPA sends it. `auth_files` entries need at least name, auth_index and type; counts are added
    when it is served. `providers` holds the seven lists by path name, with `auth-index` in every entry."""

    auth_files: list[dict] = field(default_factory=list)
    providers: dict[str, list[dict] | None] = field(default_factory=dict)
    api_keys: list[str] = field(default_factory=list)
    models: list[dict] = field(default_factory=list)

    @classmethod
    def default(cls) -> "Catalog":
        """The installation that simulator.traffic writes about."""
        return cls(
            auth_files=[_auth_file(account) for account in ACCOUNTS if account.oauth],
            providers=_key_lists() | {COMPATIBLE: _vendors()},
            api_keys=list(CLIENT_KEYS.values()),
            models=_models(),
        )

    def credentials(self):
        """(provider, base URL, raw key, auth_index) of every key credential, OpenAI-compatible ones last."""
        for path, provider in KEY_LISTS.items():
            for entry in self.providers.get(path) or []:
                yield provider, entry.get("base-url", ""), entry.get("api-key", ""), entry.get("auth-index", "")
        for vendor in self.providers.get(COMPATIBLE) or []:
            for entry in vendor.get("api-key-entries") or []:
                name = vendor.get("name", "").lower()
                yield name, vendor.get("base-url", ""), entry.get("api-key", ""), entry.get("auth-index", "")

    def auth_id(self, auth_index: str) -> str:
        """CPA's internal name of a credential; the index itself for one that is not of this installation."""
        return next((account.auth_id for account in ACCOUNTS if account.auth_index == auth_index), auth_index)


def _auth_file(account: Account) -> dict:
    entry = {
        "account": account.source,
        "account_type": "oauth",
        "auth_index": account.auth_index,
        "created_at": "2026-03-02T09:14:38.975049129+08:00",
        "disabled": account.disabled,
        "email": account.source,
        "id": account.file,
        "label": account.source,
        "modtime": "2026-11-20T11:57:14.666330417+08:00",
        "name": account.file,
        "path": f"{AUTH_DIR}/{account.file}",
        "provider": account.provider,
        "runtime_only": False,
        "size": 603,
        "source": "file",
        "status": "disabled" if account.disabled else "active",
        "status_message": "",
        "type": account.provider,
        "unavailable": False,
        "updated_at": "2026-11-20T11:57:15.550068757+08:00",
    }
    return entry | _particulars(account)


def _particulars(account: Account) -> dict:
    found = {"note": account.note} if account.note else {}
    if account.provider == "antigravity":
        found["project_id"] = "demo-project-42"
    if account.plan == "pro":
        found["priority"] = 3
    if account.plan:
        found["id_token"] = {
            "chatgpt_account_id": f"acct-demo-{account.plan}",
            "chatgpt_subscription_active_start": "2026-01-01T00:00:00+00:00",
            "chatgpt_subscription_active_until": "2027-01-01T00:00:00+00:00",
            "plan_type": account.plan,
        }
    return found


def _key_lists() -> dict[str, list[dict] | None]:
    lists: dict[str, list[dict] | None] = {path: [] for path in KEY_LISTS}
    for path, provider in KEY_LISTS.items():
        for account in ACCOUNTS:
            if account.provider == provider and not account.oauth:
                lists[path].append(_key_entry(account))
    return lists


def _key_entry(account: Account) -> dict:
    entry = {"api-key": account.source, "base-url": account.base_url, "models": _offered(account)}
    if account.provider in ("claude", "codex", "xai"):
        entry["proxy-url"] = ""
    return entry | {"auth-index": account.auth_index}


def _vendors() -> list[dict]:
    vendors: dict[str, dict] = {}
    for account in ACCOUNTS:
        if not account.vendor:
            continue
        vendor = vendors.setdefault(account.vendor, _vendor(account))
        vendor["api-key-entries"].append({"api-key": account.source, "auth-index": account.auth_index})
    return list(vendors.values())


def _vendor(account: Account) -> dict:
    vendor = {"name": account.vendor, "disabled": False, "base-url": account.base_url, "api-key-entries": []}
    if account.vendor == "Claude-Reseller":
        vendor["prefix"] = "team-c"
    return vendor | {"models": _offered(account)}


def _offered(account: Account) -> list[dict] | None:
    """The models a credential lists by name and alias; `null`, as CPA says it, when it lists none."""
    names = [model.name for model in MODELS.values() if account.name in model.accounts]
    return [{"name": name, "alias": _alias(name)} for name in names] or None


def _alias(name: str) -> str:
    return next((alias for alias, target in ALIASES.items() if target == name), "")


def _models() -> list[dict]:
    owners = {model.name: model.owner for model in MODELS.values()}
    named = owners | {alias: owners[target] for alias, target in ALIASES.items()}
    return [{"created": _CREATED, "id": name, "object": "model", "owned_by": owner} for name, owner in named.items()]
