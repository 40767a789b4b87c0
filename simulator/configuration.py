"""CPA's configuration as its management API shows it: keys raw, without auth-index."""

from typing import TYPE_CHECKING

import msgspec

from simulator.catalog import COMPATIBLE, KEY_LISTS

if TYPE_CHECKING:
    from simulator.state import State

_FIXED = {
    "proxy-url": "",
    "disable-image-generation": False,
    "force-model-prefix": False,
    "claude-code": {"disable-cloaking-model-list": False},
    "passthrough-headers": False,
    "streaming": {},
    "tls": {"enable": False, "cert": "", "key": ""},
    "credential-concurrency": {"max-limit": 1_000_000},
    "credential-in-flight": {"snapshot-interval": "2s", "stale-after": "10s"},
    "plugins": {"enabled": False, "dir": "plugins", "configs": {}},
    "pprof": {"enable": False, "addr": "127.0.0.1:8316"},
    "commercial-mode": False,
    "logging-to-file": False,
    "logs-max-total-size-mb": 0,
    "error-logs-max-files": 10,
    "disable-cooling": True,
    "save-cooldown-status": False,
    "transient-error-cooldown-seconds": 0,
    "auth-auto-refresh-workers": 0,
    "request-retry": 1,
    "max-retry-credentials": 0,
    "max-retry-interval": 1,
    "quota-exceeded": {"switch-project": False, "switch-preview-model": False, "antigravity-credits": False},
    "routing": {},
    "ws-auth": True,
    "antigravity": {},
    "xai": {"inject-x-search": False},
    "codex": {"identity-confuse": False, "disable-codex-cloaking": False},
    "codex-header-defaults": {"user-agent": "", "beta-features": ""},
    "claude-header-defaults": {"user-agent": "", "timeout": "", "timezone": ""},
    "disable-claude-cloak-mode": False,
    "payload": {"default": None, "default-raw": None, "override": None, "override-raw": None, "filter": None},
}


def document(state: "State") -> dict:
    """The reply to GET config."""
    lists = {path: _without_index(state.catalog.providers.get(path)) for path in (*KEY_LISTS, COMPATIBLE)}
    return _FIXED | {
        "debug": state.debug,
        "request-log": state.ledger.request_log,
        "api-keys": state.catalog.api_keys,
        "usage-statistics-enabled": state.queue.enabled,
        "redis-usage-queue-retention-seconds": state.queue.retention_seconds,
        **lists,
    }


def as_yaml(state: "State") -> str:
    """The configuration file: YAML whose values are in flow style."""
    return "".join(f"{name}: {msgspec.json.encode(value).decode()}\n" for name, value in document(state).items())


def _without_index(value):
    if isinstance(value, dict):
        return {name: _without_index(inner) for name, inner in value.items() if name != "auth-index"}
    return [_without_index(inner) for inner in value] if isinstance(value, list) else value
