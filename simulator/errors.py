"""The errors channel: one event for each failed attempt of a credential, made from its record."""

import msgspec

from simulator.catalog import Catalog


def error_event(raw: bytes, catalog: Catalog) -> bytes | None:
    """The event CPA publishes with this failed record; None for bytes that are no record."""
    try:
        record = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not isinstance(record, dict):
        return None
    fail = record.get("fail") or {}
    body = fail.get("body", "")
    return msgspec.json.encode(
        {
            "timestamp": record.get("timestamp", ""),
            "provider": record.get("provider", ""),
            "model": record.get("alias", ""),
            "auth_id": catalog.auth_id(record.get("auth_index", "")),
            "auth_index": record.get("auth_index", ""),
            "status_code": fail.get("status_code", 0),
            "body": body,
            "auth_status": _auth_status(record.get("alias", ""), body),
        }
    )


def _auth_status(model: str, message: str) -> dict:
    return {
        "status": "error",
        "status_message": message,
        "disabled": False,
        "unavailable": False,
        "model": {
            "name": model,
            "status": "error",
            "status_message": message,
            "unavailable": False,
            "quota": {"exceeded": False, "reason": "quota"},
        },
    }
