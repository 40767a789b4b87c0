"""The whole, served by gunicorn: mounted under a base or at the root, behind proxies that strip the base or do not."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from tests import PROJECT
from tests.served import address_of, environment

# How the server is mounted, and what of the base is left of a path when it arrives.
MOUNTS = [("/usage", "/usage"), ("/usage", ""), ("", "")]


class Links(HTMLParser):
    """Everything a page makes a browser load or offers to open."""

    def __init__(self, page):
        super().__init__()
        self.assets, self.places = set(), set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        loads = tag in ("script", "img", "source") or (tag == "link" and "canonical" not in (attrs.get("rel") or ""))
        for name in ("src", "href", "action"):
            if attrs.get(name):
                (self.assets if loads else self.places).add(attrs[name])


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Base path -> address of a server with that base."""
    directory = tmp_path_factory.mktemp("served")
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0", "--skip-checks"],
        cwd=PROJECT,
        env=environment(directory, ""),
        check=True,
    )
    processes = {base: start(directory, base) for base in ("/usage", "")}
    try:
        yield {base: address_of(process) for base, process in processes.items()}
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.communicate(timeout=20)


def start(directory, base):
    command = [sys.executable, "-m", "gunicorn", "--config=python:cpa_usage.gunicorn", "--bind=127.0.0.1:0"]
    return subprocess.Popen(
        [*command, "cpa_usage.wsgi"], cwd=PROJECT, env=environment(directory, base), stderr=subprocess.PIPE, text=True
    )


@pytest.fixture(params=MOUNTS, ids=["direct", "stripped", "root"])
def mount(request, servers):
    """(a client of the server, the base its links carry, the base that requests carry)."""
    base, sent = request.param
    with httpx.Client(base_url=servers[base], timeout=20) as client:
        yield client, base, sent


def test_health_and_ping(mount):
    client, _, sent = mount
    for path in {"/healthz", f"{sent}/healthz"}:
        reply = client.get(path)
        assert (reply.status_code, reply.text) == (200, '{"status":"ok"}')
    for path in {"/api/v1/ping", "/api/v1/ping/", f"{sent}/api/v1/ping", f"{sent}/api/v1/ping/"}:
        reply = client.get(path)
        assert (reply.status_code, reply.json()) == (200, {"pong": True, "version": "0.1.0"})


def test_versions(mount):
    client, _, sent = mount
    assert client.get(f"{sent}/api/v1/version").json() == {
        "cpa_usage": {"version": "0.1.0", "commit": "abc1234", "build_date": "2026-11-24T04:00:00Z"},
        "cpa": {"version": "", "commit": "", "build_date": ""},
    }


def test_the_body_of_a_put_survives_a_slash_too_many(mount):
    client, _, sent = mount
    reply = client.put(f"{sent}/api/v1/pricing/a/b/", json={"prompt_price_per_1m": "x"})
    assert (reply.status_code, reply.json()["field"]) == (400, "prompt_price_per_1m")


@pytest.mark.parametrize("path", ["/usagex/", "/usagex/healthz", "/nothing", "/usage/usage/healthz", "/healthz/x"])
def test_what_is_not_there(mount, path):
    client, _, _ = mount
    reply = client.get(path)
    assert (reply.status_code, reply.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_what_is_not_there_in_the_api(mount):
    client, _, sent = mount
    reply = client.get(f"{sent}/api/v1/nothing")
    assert (reply.status_code, reply.json()) == (404, {"error": "There is nothing at this address."})


def test_the_landing_page_is_served_at_the_root_and_the_base(mount):
    client, base, sent = mount
    pages = [client.get(path) for path in ("/", f"{sent}/")]
    assert [page.status_code for page in pages] == [200, 200]
    if base and sent:
        reply = client.get(base)
        assert (reply.status_code, reply.headers["Location"]) == (308, f"{base}/")


@pytest.mark.parametrize("path", ["/", "/api/docs/", "/admin/login/"])
def test_every_linked_file_is_there_and_ours(mount, path):
    client, base, sent = mount
    page = client.get(f"{sent}{path}", headers={"Via": "1.1 proxy"})  # without one the admin asks for no login
    assert page.status_code == 200
    links = Links(page.text)
    assert links.assets
    for link in links.assets | links.places:
        parts = urlsplit(urljoin(f"{base}{path}", link))
        assert (parts.scheme, parts.netloc) == ("", ""), link
        assert link.startswith(("#", "?")) or parts.path.startswith(f"{base}/"), link
    for link in links.assets:
        asked = urlsplit(urljoin(f"{base}{path}", link))
        reply = client.get(f"{sent}{asked.path.removeprefix(base)}", params=asked.query)
        assert (reply.status_code, bool(reply.content)) == (200, True), link


def test_the_docs_page_draws_the_schema_from_here(mount):
    client, base, sent = mount
    script = next(link for link in Links(client.get(f"{sent}/api/docs/").text).assets if "script" in link)
    drawn = client.get(f"{sent}/api/docs/", params=urlsplit(script).query).text
    assert f'"{base}/api/schema/"' in drawn
    assert not re.search(r"https?://(?!127\.0\.0\.1)", drawn)
    schema = client.get(f"{sent}/api/schema/", headers={"Accept": "application/json"}).json()
    assert schema["servers"] == [{"url": base or "/"}]
    assert "/api/v1/ping" in schema["paths"]


def test_files_are_for_the_owner_alone(tmp_path):
    ask = "import cpa_usage.wsgi, os; print(oct(os.umask(0)))"
    env = environment(tmp_path, "")
    done = subprocess.run([sys.executable, "-c", ask], cwd=PROJECT, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0o77"
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
