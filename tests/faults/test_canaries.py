"""Distinctive secrets go through every path there is: none may come out where it should not."""

import sqlite3
import time
from contextlib import closing

import pytest

from simulator import Catalog, Simulator
from simulator.catalog import KEY_LISTS
from tests.faults.stage import AT_WORK, stages_in
from tests.usage.executors import EXECUTORS
from tests.usage.made import record, rfc3339
from tests.waiting import until

pytestmark = pytest.mark.sqlite  # processes with a SQLite file of their own: once is enough

CLIENT = "sk-canary-client-Zq7Xv9LmW2pRt5"
SHORT_CLIENT = "canaryteam7"
ODD_CLIENT = "canary-blue-laptop-7"  # it looks like a name
UPSTREAM = "AIzaCanaryUpstreamBw4Kd8Hs3Jf6"
OPAQUE = "canary0opaque9upstream7key3Xw5Yz"
MANAGEMENT = "canary-management-Tg6Nb1Vc"
PASSWORD = "canary password Größe 4711"
SECRETS = {"client": CLIENT, "short": SHORT_CLIENT, "odd": ODD_CLIENT, "upstream": UPSTREAM, "opaque": OPAQUE}
OURS = {"management": MANAGEMENT, "password": PASSWORD}

ECHO = f"Incorrect API key provided: {UPSTREAM} (client {CLIENT}, bearer {OPAQUE}), management {MANAGEMENT}"


def records(now):
    """Records that hold secrets in every place CPA writes one to, and in some where only broken software would."""
    at = iter(range(now - 60_000_000, now, 1_000_000))
    keyed = {"api_key": CLIENT, "auth_type": "apikey", "source": UPSTREAM, "provider": "gemini"}
    opaque = keyed | {"api_key": SHORT_CLIENT, "source": OPAQUE, "provider": "openai-compatible-relay"}
    failed = {"failed": True, "fail": {"status_code": 401, "body": ECHO}}
    headers = {"response_headers": {"Set-Cookie": [f"session={UPSTREAM}"], "X-Request-Id": ["req-1"]}}
    yield record(next(at), **keyed, request_id="aaaaaaaa")
    yield record(next(at), **opaque, request_id="bbbbbbbb")
    yield record(next(at), **keyed, **failed, **headers, request_id="cccccccc")
    yield record(next(at), **opaque, failed=True, fail={"status_code": 500, "body": ECHO * 200}, request_id="dddddddd")
    yield record(next(at), **keyed, **failed, auth_index=UPSTREAM[:16], request_id="eeeeeeee")
    yield from accountless(at)
    yield record(next(at), **keyed, tokens={"input": 10**12})  # impossible: a dead letter
    yield f'{{"timestamp":"{rfc3339(now)}","api_key":"{CLIENT}","source":"{UPSTREAM}"'.encode()  # cut off
    yield f"Authorization: Bearer {OPAQUE}".encode()


def accountless(at):
    """Records whose source is the client's own key, as CPA has it where an account has no name."""
    for number, (executor, provider) in enumerate(EXECUTORS.items()):
        key = (ODD_CLIENT, CLIENT, SHORT_CLIENT)[number % 3]
        for auth_type in ("oauth", "apikey"):
            words = {"executor_type": executor, "provider": provider, "auth_type": auth_type}
            yield record(next(at), source=key, api_key=key, model="kimi-k2", request_id=f"{number:08x}", **words)


STORED = 5 + 2 * len(EXECUTORS)


@pytest.fixture(scope="module")
def cpa():
    """A CPA whose own lists hold the keys as well."""
    catalog = Catalog.default()
    first = next(iter(KEY_LISTS))
    entry = {
        "api-key": UPSTREAM,
        "auth-index": "00000000000000aa",
        "base-url": f"https://u:{OPAQUE}@up.example/?key={OPAQUE}",
    }
    catalog.providers[first] = [*(catalog.providers.get(first) or []), entry]
    catalog.auth_files[0]["status_message"] = ECHO
    catalog.api_keys = [CLIENT, SHORT_CLIENT, ODD_CLIENT]
    with Simulator(catalog=catalog, management_key=MANAGEMENT) as simulator:
        simulator.request_log = True
        yield simulator


API = (
    *("ping", "version", "status", "auth/session", "auth/sessions", "auth-files", "provider-metadata", "models/used"),
    *("pricing", "aliases", "aliases/export", "usage/overview", "usage/health", "usage/analysis", "usage/events"),
    *("usage/events/filters", "usage/credentials", "usage/nothing", f"usage/events?api_key={CLIENT}"),
    *(f"usage/events?api_key={CLIENT}&range=nonsense", f"usage/events?source={OPAQUE}", "usage/events/cccccccc/log"),
    *("usage/events/cccccccc/log/raw", CLIENT, f"aliases/{SHORT_CLIENT}", f"usage/{UPSTREAM}/events"),
)
PAGES = (
    *("", "requests/", "requests.csv", "requests.jsonl", "analysis/", "health/", "accounts/", "prices/", "keys/"),
    *("system/", "login/", "nothing", "requests/?result=failed", "api/schema/", "api/docs/", "healthz", "readyz"),
    *(OPAQUE, f"requests/{MANAGEMENT}/", f"{SHORT_CLIENT}/x"),
)
ADMIN = (
    *("", "usage/deadletter/", "usage/drainstate/", "usage/gap/", "aliases/apikey/", "catalog/provider/"),
    *("catalog/authfile/", "pricing/model/", "django_q/schedule/", "django_q/failure/"),
)


@pytest.fixture(scope="module")
def told(cpa, migrated, tmp_path_factory):
    """(the stage, {where: what came out there}) after everything was asked for."""
    with stages_in(tmp_path_factory.mktemp("canaries"), migrated) as set_up:
        login = {"AUTH_ENABLED": "true", "LOGIN_PASSWORD": PASSWORD, "APP_HOST": "127.0.0.1"}
        stage = set_up(cpa.base_url, MANAGEMENT, **login, LOG_LEVEL="debug")
        yield stage, everything(stage, cpa)


def everything(stage, cpa):
    """Drain and ask; the answers, what commands printed, and logs, by where they come from."""
    drain, web = stage.drain(), stage.web()
    drain.says(AT_WORK)
    cpa.push(*records(time.time_ns() // 1000))
    until(lambda: stage.stored == STORED and stage.query("SELECT count(*) FROM usage_deadletter")[0] == 3)
    found = dict(asked(stage))
    for name, words in (("backup", [stage.home / "backup.db"]), ("doctor", []), ("verify", [])):
        done = stage.manage(name, *words)
        found[name] = done.stdout + done.stderr
    assert (drain.stop(), web.stop()) == (0, 0)
    for path in (*stage.home.glob("*.out"), *(stage.home / "logs").iterdir()):
        found[path.name] = path.read_text(errors="replace")
    return found


def asked(stage):
    """Everything the web answers, by path: headers and body, without the cookie that is one's own."""
    with stage.client(follow_redirects=True) as client:
        assert client.post("/api/v1/auth/login", json={"password": PASSWORD + "!"}).status_code == 401
        assert client.post("/api/v1/auth/login", json={"password": PASSWORD}).status_code == 200
        yield "sync", text_of(client.post("/api/v1/sync"))
        yield "alias", text_of(client.put("/api/v1/aliases", json={"api_key": CLIENT, "alias": "the canary"}))
        yield (
            "import",
            text_of(client.post("/api/v1/aliases/import", json={"items": [{"api_key": OPAQUE, "alias": "x"}]})),
        )
        yield "bad write", text_of(client.put("/api/v1/aliases", json={"api_key": CLIENT, "alias": [CLIENT]}))
        for path in (*(f"api/v1/{each}" for each in API), *PAGES, *(f"admin/{each}" for each in ADMIN)):
            reply = client.get(f"/{path}")
            assert reply.status_code < 500, (path, reply.text[:500])
            yield path, text_of(reply)
        rows = client.get("/api/v1/usage/events?page_size=100").json()["items"]
        assert len(rows) == STORED
        for row in rows:
            yield f"event {row['event_key']}", text_of(client.get(f"/api/v1/usage/events/{row['event_key']}"))
            yield f"page {row['event_key']}", text_of(client.get(f"/requests/{row['event_key']}/"))
            yield f"log {row['event_key']}", text_of(client.get(f"/requests/{row['event_key']}/log/"))


def text_of(reply):
    headers = [f"{name}: {value}" for name, value in reply.headers.items() if name != "set-cookie"]
    return "\n".join([*headers, reply.text])


def kept(path):
    """The bytes of a database as a copy without dead letters and without what was deleted."""
    clean = path.with_suffix(".clean")
    with closing(sqlite3.connect(path)) as database:
        database.execute("VACUUM INTO ?", [str(clean)])
    with closing(sqlite3.connect(clean)) as copy:
        letters = copy.execute("SELECT raw FROM usage_deadletter").fetchall()
        copy.execute("DELETE FROM usage_deadletter")
        copy.commit()
        copy.execute("VACUUM")
    return letters, clean.read_bytes()


def test_no_secret_comes_out_anywhere(told):
    _, found = told
    assert len(found) > 60
    leaks = [
        (where, name) for where, text in found.items() for name, secret in (SECRETS | OURS).items() if secret in text
    ]
    assert leaks == [], "\n".join(map(str, leaks))


def test_nothing_keeps_a_secret_but_a_dead_letter(told):
    stage, _ = told
    for path in (stage.database, stage.home / "backup.db"):
        letters, rest = kept(path)
        assert len(letters) == 3
        assert [name for name, secret in (SECRETS | OURS).items() if secret.encode() in rest] == [], path
        assert not any(secret.encode() in raw for (raw,) in letters for secret in OURS.values())
    for path in stage.home.rglob("*"):
        if path.is_file() and path.suffix not in (".db", ".clean"):
            data = path.read_bytes()
            assert [name for name, secret in (SECRETS | OURS).items() if secret.encode() in data] == [], path


def test_what_is_kept_is_for_its_owner_alone(told):
    stage, _ = told
    private = [stage.data, stage.spool, stage.home / "logs", *stage.data.glob("app.db*"), stage.home / "backup.db"]
    private += list((stage.home / "logs").iterdir()) + list(stage.spool.iterdir())
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in private}
    expected = {path.name: "0o700" if path.is_dir() else "0o600" for path in private}
    assert modes == expected
