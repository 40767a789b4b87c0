"""What CPA answers outside its management API: health, and the model lists a client key may read."""

import random

from simulator.catalog import Catalog
from simulator.http import Request, Response

GREETING = {
    "endpoints": ["POST /v1/chat/completions", "POST /v1/completions", "GET /v1/models"],
    "message": "CLI Proxy API Server",
}
_LIMITS = {"max_input_tokens": 200_000, "max_tokens": 32_000}


def respond(catalog: Catalog, request: Request) -> Response:
    """The reply to a path outside /v0/management; 404 without a body for any other."""
    if request.path == "/healthz" and request.method in ("GET", "HEAD"):
        return Response.of({"status": "ok"})
    if request.path == "/" and request.method == "GET":
        return Response.of(GREETING)
    if request.method == "GET" and request.path in ("/v1/models", "/v1beta/models"):
        return _refused(catalog, request) or _listed(catalog, request)
    return Response(404)


def _refused(catalog: Catalog, request: Request) -> Response | None:
    if not catalog.api_keys:
        return None
    key = _client_key(request)
    if key in catalog.api_keys:
        return None
    return Response.of({"error": "Invalid API key" if key else "Missing API key"}, 401)


def _client_key(request: Request) -> str:
    headers = request.headers
    bearer = _utf8(headers.get("authorization", "")).removeprefix("Bearer ")
    query = (request.query.get("key") or [""])[0]
    return bearer or _utf8(headers.get("x-api-key") or headers.get("x-goog-api-key", "")) or query


def _utf8(text: str) -> str:
    """Header bytes were read one by one; a client key may well be UTF-8."""
    return text.encode("latin-1").decode(errors="replace")


def _listed(catalog: Catalog, request: Request) -> Response:
    """In another order each time, as CPA does."""
    models = random.sample(catalog.models, len(catalog.models))
    if request.path == "/v1beta/models":
        return Response.of({"models": [_gemini_style(model) for model in models]})
    if "anthropic-version" in request.headers:
        models.sort(key=lambda model: model["id"])
        ids = [model["id"] for model in models]
        data = [_anthropic_style(model) for model in models]
        ends = {"first_id": ids[0], "last_id": ids[-1]} if ids else {"first_id": "", "last_id": ""}
        return Response.of({"data": data, "has_more": False, **ends})
    return Response.of({"data": models, "object": "list"})


def _gemini_style(model: dict) -> dict:
    return {
        "description": model["id"],
        "displayName": model["id"],
        "name": f"models/{model['id']}",
        "supportedGenerationMethods": ["generateContent"],
    }


def _anthropic_style(model: dict) -> dict:
    return {
        "created_at": "2025-09-29T00:00:00Z",
        "display_name": model["id"],
        "id": model["id"],
        **_LIMITS,
        "object": "model",
        "owned_by": model["owned_by"],
        "type": "model",
    }
