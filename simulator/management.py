"""CPA's management API: one function a route, all below /v0/management. The key was checked before."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from simulator import configuration, logs
from simulator.catalog import COMPATIBLE, KEY_LISTS
from simulator.http import JSON, Request, Response

if TYPE_CHECKING:
    from simulator.state import State

PREFIX = "/v0/management/"
LOG_BY_ID = "request-log-by-id/"


def respond(state: "State", request: Request) -> Response:
    """The reply to an authorised request; an unknown path or method is a 404 without a body."""
    name = request.path.removeprefix(PREFIX)
    if request.method == "GET" and name.startswith(LOG_BY_ID):
        return _request_log(state, request, name.removeprefix(LOG_BY_ID))
    if name in SWITCHES:
        return _switch(state, request, name)
    if request.method != "GET":
        return Response(404)
    if name in KEY_LISTS or name == COMPATIBLE:
        return Response.of({name: state.catalog.providers.get(name)})
    route = ROUTES.get(name)
    return route(state, request) if route else Response(404)


def _auth_files(state, request) -> Response:
    files = [entry | state.ledger.counts_of(entry.get("auth_index", "")) for entry in state.catalog.auth_files]
    return Response.of({"files": [dict(sorted(entry.items())) for entry in files]})


def _auth_file_models(state, request) -> Response:
    wanted = (request.query.get("name") or [""])[0]
    entry = next((entry for entry in state.catalog.auth_files if entry.get("name") == wanted), None)
    if entry is None:
        return Response.of({"models": []})
    owner = {"claude": "anthropic", "codex": "openai", "antigravity": "google", "xai": "xai"}.get(entry["type"])
    models = [model for model in state.catalog.models if model["owned_by"] == owner]
    shape = [{"display_name": m["id"], "id": m["id"], "owned_by": owner, "type": owner} for m in models]
    return Response.of({"models": shape})


def _api_keys(state, request) -> Response:
    return Response.of({"api-keys": state.catalog.api_keys})


def _api_key_usage(state, request) -> Response:
    usage: dict[str, dict] = {}
    for provider, base_url, key, auth_index in state.catalog.credentials():
        counts = state.ledger.counts_of(auth_index)
        if counts["success"] or counts["failed"]:
            usage.setdefault(provider, {})[f"{base_url}|{key}"] = counts
    return Response.of(usage)


def _usage_queue(state, request) -> Response:
    text = (request.query.get("count") or ["1"])[0]
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        return Response.of({"error": "count must be a positive integer"}, 400)
    records = [_as_json(raw) for raw in state.pop(int(text))]
    return Response(200, b"[" + b",".join(records) + b"]", JSON)


def _as_json(raw: bytes) -> bytes:
    """A queue item that is no JSON goes out as a JSON text, so that the array stays one."""
    try:
        msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.json.encode(raw.decode(errors="replace"))
    return raw


def _config(state, request) -> Response:
    return Response.of(configuration.document(state))


def _config_yaml(state, request) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(200, configuration.as_yaml(state).encode(), "application/yaml; charset=utf-8", headers)


def _error_logs(state, request) -> Response:
    return Response.of({"files": logs.error_files(state.ledger, state.catalog)})


def _request_log(state, request, request_id: str) -> Response:
    if not request_id or "/" in request_id:
        return Response(404)
    attempts, error_log = state.ledger.attempts(request_id)
    if not attempts:
        return Response.of({"error": "log file not found for the given request ID"}, 404)
    return logs.download(logs.written(attempts, error_log, state.catalog), request.headers.get("range", ""))


def _fixed(document, status: int = 200) -> Callable:
    return lambda state, request: Response.of(document, status)


ROUTES: dict[str, Callable] = {
    "auth-files": _auth_files,
    "auth-files/models": _auth_file_models,
    "api-keys": _api_keys,
    "api-key-usage": _api_key_usage,
    "usage-queue": _usage_queue,
    "config": _config,
    "config.yaml": _config_yaml,
    "request-error-logs": _error_logs,
    "logging-to-file": _fixed({"logging-to-file": False}),
    "logs": _fixed({"error": "logging to file disabled"}, 400),
    "latest-version": _fixed({"error": "request_failed", "message": "no route to the release list"}, 502),
    "oauth-excluded-models": _fixed({"oauth-excluded-models": None}),
    "oauth-model-alias": _fixed({"oauth-model-alias": None}),
    "plugins": _fixed({"plugins_enabled": False, "plugins_dir": "plugins", "plugins": []}),
    "routing/strategy": _fixed({"strategy": "round-robin"}),
}

# Switches: what holds each, and under which name.
SWITCHES: dict[str, Callable] = {
    "usage-statistics-enabled": lambda state: (state.queue, "enabled"),
    "request-log": lambda state: (state.ledger, "request_log"),
    "debug": lambda state: (state, "debug"),
}


def _switch(state, request, name: str) -> Response:
    holder, attribute = SWITCHES[name](state)
    if request.method == "GET":
        return Response.of({name: getattr(holder, attribute)})
    if request.method not in ("PUT", "PATCH"):
        return Response(404)
    if not isinstance(value := request.value(), bool):
        return Response.of({"error": "invalid body"}, 400)
    if value != getattr(holder, attribute):
        setattr(holder, attribute, value)
        state.queue.refresh()
    return Response.of({"status": "ok"})
