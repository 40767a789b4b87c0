"""Request logs in CPA's layout, made up from the records of a request: every key and token masked as CPA masks."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

import msgspec

from simulator.catalog import Catalog
from simulator.http import Response
from simulator.ledger import Ledger

EXPOSED = (
    "X-CPA-TRACE-ID, X-CPA-VERSION, X-CPA-COMMIT, X-CPA-BUILD-DATE, X-CPA-SUPPORT-PLUGIN, X-CPA-HOME-VERSION, "
    "X-CPA-HOME-BUILD-DATE, X-SERVER-VERSION, X-SERVER-BUILD-DATE, Location, Retry-After, X-Request-Id, "
    "OpenAI-Request-Id"
)
# What a record needs for a log; a test may queue less.
_TEXTS = ("timestamp", "api_key", "source", "auth_index", "auth_type", "provider", "model", "alias", "user_agent")
_BLANK = dict.fromkeys(_TEXTS, "") | {
    "endpoint": "POST /",
    "failed": False,
    "fail": {"status_code": 200, "body": ""},
    "response_headers": {},
}
_TOKENS = ("input_tokens", "output_tokens", "total_tokens")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass
class LogFile:
    """One log: its file name, text, and the moment it was written."""

    name: str
    text: str
    modified: datetime


def written(attempts: list[bytes], error_log: bool, catalog: Catalog) -> LogFile:
    """The log of a request from the records of its attempts (at least one), in the order they ended."""
    records = [_complete(msgspec.json.decode(raw)) for raw in attempts]
    first, last = records[0], records[-1]
    modified = _moment(last["timestamp"])
    path = _path(first)
    route = re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-")
    stamp = _moment(first["timestamp"]).strftime("%Y-%m-%dT%H%M%S")
    name = f"{'error-' if error_log else ''}{route}-{stamp}-{first['request_id']}.log"
    return LogFile(name, _text(records, path, catalog), modified)


def error_files(ledger: Ledger, catalog: Catalog) -> list[dict]:
    """Name, size in bytes and time of each error log, newest first."""
    files = [written(attempts, True, catalog) for attempts in reversed(ledger.error_logs.values())]
    return [
        {"name": log.name, "size": len(log.text.encode()), "modified": int(log.modified.timestamp())} for log in files
    ]


def download(log: LogFile, wanted: str) -> Response:
    """The file as an attachment; `wanted` is a Range header, '' for all of it."""
    body = log.text.encode()
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{log.name}"',
        "Last-Modified": format_datetime(log.modified.astimezone(UTC), usegmt=True),
    }
    part = _RANGE.fullmatch(wanted)
    if not part:
        return Response(200, body, "text/x-log; charset=utf-8", headers, sized=True)
    start, end = int(part[1]), min(int(part[2] or len(body)), len(body) - 1)
    if start > end:
        return Response(416, b"invalid range: failed to overlap\n", "text/plain; charset=utf-8", headers, sized=True)
    headers["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
    return Response(206, body[start : end + 1], "text/x-log; charset=utf-8", headers, sized=True)


def _complete(record: dict) -> dict:
    return _BLANK | {name: value for name, value in record.items() if value is not None}


def _text(records: list[dict], path: str, catalog: Catalog) -> str:
    first, last = records[0], records[-1]
    sections = [_request_info(first, path), _headers(first), f"=== REQUEST BODY ===\n{_asked(first)}\n"]
    sections.append("\n".join(_api_request(number, record, catalog) for number, record in enumerate(records, 1)))
    if last["failed"]:
        sections.append(f"=== API RESPONSE ===\nTimestamp: {last['timestamp']}\n{last['fail']['body']}\n")
    sections.append("".join(_api_response(number, record) for number, record in enumerate(records, 1)) + "\n")
    sections.append(_response(last))
    return "\n\n".join(sections)


def _request_info(record: dict, path: str) -> str:
    method = record["endpoint"].partition(" ")[0]
    transport = "websocket" if method == "GET" else "http"
    return (
        f"=== REQUEST INFO ===\nVersion: v7.2.140\nURL: {path}\nMethod: {method}\nDownstream Transport: {transport}\n"
        f"Upstream Transport: http\nTimestamp: {record['timestamp']}\n"
    )


def _headers(record: dict) -> str:
    return (
        "=== HEADERS ===\nContent-Type: application/json\nAccept: */*\nConnection: keep-alive\n"
        f"User-Agent: {record['user_agent']}\nAuthorization: Bearer {_masked(record['api_key'])}\n"
    )


def _api_request(number: int, record: dict, catalog: Catalog) -> str:
    kind = "oauth" if record["auth_type"] == "oauth" else "api_key"
    value = record["source"] if kind == "oauth" else _masked(record["source"])
    return (
        f"=== API REQUEST {number} ===\nTimestamp: {record['timestamp']}\nUpstream URL: {_upstream(record, catalog)}\n"
        f"HTTP Method: POST\nAuth: provider={record['provider']}, auth_id={catalog.auth_id(record['auth_index'])}, "
        f"label={record['provider']}, type={kind} value={value}\n\n"
        f"Headers:\nAuthorization: Bearer {_masked(record['source'])}\nContent-Type: application/json\n\n"
        f"Body:\n{_asked(record, record['model'])}\n"
    )


def _api_response(number: int, record: dict) -> str:
    headers = "".join(f"{name}: {values[0]}\n" for name, values in record["response_headers"].items())
    return (
        f"=== API RESPONSE {number} ===\nTimestamp: {record['timestamp']}\n\nStatus: {record['fail']['status_code']}\n"
        f"Headers:\n{headers}\nBody:\n{_answered(record)}"
    )


def _response(record: dict) -> str:
    stamp = _moment(record["timestamp"]).strftime("%Y%m%d%H%M%S")
    return (
        f"=== RESPONSE ===\nStatus: {record['fail']['status_code']}\n"
        f"X-Cpa-Trace-Id: {stamp}-{record['auth_index']}-{record['request_id']}\n"
        f"Access-Control-Allow-Origin: *\nAccess-Control-Expose-Headers: {EXPOSED}\nContent-Type: application/json\n\n"
        f"{_answered(record)}\n"
    )


def _asked(record: dict, model: str = "") -> str:
    question = {"role": "user", "content": "Where is the entry point of this project?"}
    return msgspec.json.encode({"model": model or record["alias"], "messages": [question]}).decode()


def _answered(record: dict) -> str:
    if record["failed"]:
        return record["fail"]["body"]
    tokens = record.get("tokens", {})
    usage = {name: tokens.get(name, 0) for name in _TOKENS}
    answer = {"id": f"resp_{record['request_id']}", "model": record["model"], "usage": usage}
    return msgspec.json.encode(answer).decode()


def _path(record: dict) -> str:
    """The path that was called: the route's pattern with its action filled in."""
    return record["endpoint"].partition(" ")[2].replace("*action", f"{record['alias']}:generateContent")


def _upstream(record: dict, catalog: Catalog) -> str:
    addresses = {auth_index: base_url for _, base_url, _, auth_index in catalog.credentials()}
    return f"{addresses.get(record['auth_index']) or 'https://upstream.example'}{_path(record)}"


def _moment(timestamp: str) -> datetime:
    """To the second is enough here, and nanoseconds are more than datetime takes; the epoch for what is no time."""
    seconds, offset = timestamp[:19], re.sub(r"^\.\d+", "", timestamp[19:])
    try:
        moment = datetime.fromisoformat(seconds + ("+00:00" if offset == "Z" else offset))
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _masked(key: str) -> str:
    return f"{key[:4]}...{key[-4:]}" if len(key) > 8 else "..."
