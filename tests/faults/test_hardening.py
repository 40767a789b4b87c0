"""What strangers meet: a real server's headers, hosts it does not know, and what the configuration warns of."""

import httpx
import pytest

pytestmark = pytest.mark.sqlite  # processes with a SQLite file of their own: once is enough
OPEN = "Everyone who reaches this address can read everything: set AUTH_ENABLED=true and LOGIN_PASSWORD."


def test_every_reply_forbids_guessing_types_and_hides_the_address_from_other_sites(set_up, cpa):
    stage = set_up(cpa.base_url, cpa.management_key)
    stage.web()
    with stage.client() as client:
        for path in ("/healthz", "/", "/api/v1/ping", "/static/usage/icon.svg", "/nothing"):
            reply = client.get(path)
            assert reply.headers["x-content-type-options"] == "nosniff", path
            assert reply.headers["referrer-policy"] == "same-origin", path


def test_without_a_login_only_this_machine_is_answered(set_up, cpa):
    stage = set_up(cpa.base_url, cpa.management_key)
    stage.web()
    with stage.client() as client:
        assert client.get("/api/v1/status").status_code == 200
        for host in ("evil.example", f"evil.example:{stage.port}", "127.0.0.1.evil.example"):
            reply = client.get("/api/v1/status", headers={"Host": host})
            assert reply.status_code == 400
            assert reply.json()["error"].startswith("Without a login cpa-usage answers to localhost alone: set ")
        forwarded = client.get("/api/v1/status", headers={"X-Forwarded-Host": "evil.example"})
        assert forwarded.status_code == 200
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert client.post("/api/v1/sync", headers=headers).status_code == 403


def test_a_door_open_to_all_is_said_in_the_log_and_on_every_page(set_up, cpa):
    stage = set_up(cpa.base_url, cpa.management_key, APP_HOST="127.0.0.2")  # no address that only this machine has
    web = stage.web()
    assert "WARNING cpa_usage: APP_HOST is 127.0.0.2 while AUTH_ENABLED is false" in web.log
    with httpx.Client(base_url=f"http://127.0.0.2:{stage.port}/usage", timeout=30, trust_env=False) as client:
        for path in ("/", "/requests/", "/analysis/", "/accounts/", "/health/", "/prices/", "/keys/", "/system/"):
            assert OPEN in client.get(path).text, path


def test_a_closed_door_is_not_warned_of(set_up, cpa):
    stage = set_up(cpa.base_url, cpa.management_key)
    web = stage.web()
    assert "WARNING cpa_usage" not in web.log
    assert OPEN not in stage.ask("/")[1]


def test_djangos_own_checks_find_nothing_in_production(set_up, cpa):
    stage = set_up(
        cpa.base_url,
        cpa.management_key,
        AUTH_ENABLED="true",
        LOGIN_PASSWORD="correct horse battery staple",
        APP_PUBLIC_URL="https://usage.example.org",
        TRUSTED_PROXIES="127.0.0.1",
    )
    done = stage.manage("check", "--deploy", "--fail-level", "WARNING")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("System check identified no issues")


def test_a_trusted_proxy_tells_the_clients_address_and_cookies_are_for_tls_alone(set_up, cpa):
    password = "correct horse battery staple"
    stage = set_up(
        cpa.base_url,
        cpa.management_key,
        AUTH_ENABLED="true",
        LOGIN_PASSWORD=password,
        APP_HOST="127.0.0.1",
        APP_PUBLIC_URL="https://usage.example.org",
        TRUSTED_PROXIES="127.0.0.1",
    )
    stage.web()
    with stage.client(headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}) as client:
        reply = client.post("/api/v1/auth/login", json={"password": password})
        cookie = reply.headers["set-cookie"]
        assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
        token = cookie.split(";")[0].partition("=")[2]
        rows = client.get("/api/v1/auth/sessions", headers={"Authorization": f"Bearer {token}"}).json()["items"]
    assert [row["address"] for row in rows] == ["203.0.113.9"]
