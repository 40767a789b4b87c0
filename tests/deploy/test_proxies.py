"""Everything works behind real nginx and Caddy, whether they pass the path on or strip it, with TLS ended there."""

import csv
import io
import re
import subprocess
import sys
from contextlib import ExitStack
from types import SimpleNamespace
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import sync_playwright

from tests import PROJECT
from tests.cpa_usage.test_served import Links
from tests.deploy.proxies import (
    CLIENT,
    HOST,
    Visitor,
    answered,
    caddy,
    caddy_example,
    certificate,
    nginx,
    nginx_example,
    ports,
)
from tests.faults.stage import Stage
from tests.usage.dashboard.conftest import CHROMIUM

PASSWORD = "correct horse"
EVENTS = 400
SEED = f"""
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0, skip_checks=True)
from tests.usage import traffic; traffic.store_history(2, {EVENTS}, 1)
"""
PUBLIC = {"APP_PUBLIC_URL": f"https://{HOST}", "TRUSTED_PROXIES": "127.0.0.1"}
LOGIN = {"AUTH_ENABLED": "true", "APP_HOST": "127.0.0.1", "LOGIN_PASSWORD": PASSWORD}
WEBS = {  # what is set where
    "usage": LOGIN | PUBLIC | {"FRAME_ANCESTORS": "https://cpa.example.net"},
    "root": LOGIN | PUBLIC | {"APP_BASE_PATH": ""},
    "unset": LOGIN,
    "open": {"TRUSTED_PROXIES": "127.0.0.1"},
}
# How a proxy passes visits on -> whether it strips the path, and the base path of links.
WAYS = {
    "nginx": (False, "/usage"),
    "nginx stripped": (True, "/usage"),
    "nginx at the root": (False, ""),
    "caddy": (False, "/usage"),
    "caddy stripped": (True, "/usage"),
    "caddy stripped, with the prefix": (True, "/usage"),
    "caddy at the root": (False, ""),
}
# Configurations that are wrong, or foreign: the lines of nginx's location or in Caddy's reverse_proxy.
BARE = "proxy_http_version 1.1; proxy_set_header Connection '';"
SCHEME = "proxy_set_header X-Forwarded-Proto $scheme;"
WRONG_NGINX = {
    "over http": ("usage", "", f"proxy_set_header Host {HOST}; {SCHEME}"),
    "silent over http": ("usage", "", f"proxy_set_header Host {HOST};"),
    "not trusted": ("unset", "ssl", f"proxy_set_header Host $http_host; {SCHEME}"),
    "another host": ("unset", "ssl", ""),
    "foreign host": ("open", "", "proxy_set_header Host $http_host;"),
    "stats": (
        "usage",
        "ssl",
        f"proxy_set_header Host $http_host; {SCHEME} proxy_set_header X-Forwarded-Prefix /stats;",
    ),
    "1.0": ("open", "", ""),
    "1.1": ("open", "", BARE),
    "closing": ("open", "", "proxy_http_version 1.1; proxy_set_header Connection close;"),
    "upgrade": ("open", "", "proxy_http_version 1.1; proxy_set_header Connection upgrade;"),
    "localhost": ("open", "", f"{BARE} proxy_set_header Host localhost;"),
    "h2": ("open", "ssl http2", f"{BARE} proxy_set_header Host localhost;"),
}
QUIET = "header_up -X-Forwarded-For\nheader_up -X-Forwarded-Proto\nheader_up -X-Forwarded-Host"
WRONG_CADDY = {
    "as it comes": "",
    "upstream": "header_up Host {upstream_hostport}",
    "quiet": f"header_up Host localhost\n{QUIET}",
    "without keep-alive": f"header_up Host localhost\n{QUIET}\ntransport http {{\nkeepalive off\n}}",
}


@pytest.fixture(scope="module")
def webs(tmp_path_factory):
    """Name of WEBS -> the port of that web server; all of them on one database."""
    homes = {name: tmp_path_factory.mktemp("web") for name in WEBS}
    database = homes["usage"] / "app.db"
    stages = {
        name: Stage(homes[name], "http://127.0.0.1:1", "key", **{"SQLITE_PATH": str(database)} | variables)
        for name, variables in WEBS.items()
    }
    subprocess.run([sys.executable, "-c", SEED], cwd=PROJECT, env=stages["usage"].env, check=True, capture_output=True)
    command = ("-m", "gunicorn", "--config", "python:cpa_usage.gunicorn", "cpa_usage.wsgi")
    running = [stage.start("web", *command) for stage in stages.values()]
    try:
        for web in running:
            web.says("The dashboard is at")
        yield {name: stage.port for name, stage in stages.items()}
        logs = "".join(web.log for web in running)
        assert logs.count("Traceback") == logs.count("django.core.exceptions.DisallowedHost:")
    finally:
        for stage in stages.values():
            stage.end()


def rooted(text):
    """An example for `/usage/`, mounted at the root."""
    text = re.sub(r"location = / \{[^}]*\}|\tredir .*", "", text)
    return text.replace("location /usage/", "location /").replace("handle /usage/*", "handle")


def wrong_nginx(tls, port, web, kind, lines):
    """A server of nginx with such a location."""
    keys = f"ssl_certificate {tls}/cert.pem; ssl_certificate_key {tls}/key.pem;" if kind else ""
    place = f"location / {{ proxy_pass http://127.0.0.1:{web}; {lines} }}"
    if "/stats" in lines:
        place = place.replace("location /", "location /stats/").replace(f":{web};", f":{web}/;")
    return f"server {{ listen 127.0.0.1:{port} {kind}; {keys} {place} }}"


@pytest.fixture(scope="module")
def doors(tmp_path_factory, webs):
    """Name of WAYS or of the wrong configurations -> the port of the proxy; "plain" is nginx's example over http."""
    names = [*WAYS, *WRONG_NGINX, *WRONG_CADDY, "frame", "plain", "plain stripped", "plain at the root"]
    at = dict(zip(names, ports(len(names)), strict=True))
    tls = certificate(tmp_path_factory.mktemp("tls"))
    passed = nginx_example(tls, at["nginx"], at["plain"], webs["usage"])
    stripped = nginx_example(tls, at["nginx stripped"], at["plain stripped"], webs["usage"])
    stripped = stripped.replace(f"{webs['usage']};", f"{webs['usage']}/;").replace(" ssl ", " ssl http2 ")
    root = nginx_example(tls, at["nginx at the root"], at["plain at the root"], webs["root"])
    wrong = [wrong_nginx(tls, at[name], webs[web], *how) for name, (web, *how) in WRONG_NGINX.items()]
    framing = f"default_type text/html; return 200 \"<iframe src='https://{HOST}/usage/keys/'></iframe>\";"
    frame = wrong_nginx(tls, at["frame"], webs["usage"], "ssl", framing)
    servers = "\n".join([passed, stripped, rooted(root), frame, *wrong])

    def site(name, web="usage"):
        return caddy_example(at[name], webs[web]).replace(
            "handle /", "handle_path /" if "stripped" in name else "handle /"
        )

    proxy = f"reverse_proxy 127.0.0.1:{webs['usage']}"
    prefixed = site("caddy stripped, with the prefix").replace(
        proxy, f"{proxy} {{\nheader_up X-Forwarded-Prefix /usage\n}}"
    )
    sites = [site("caddy"), site("caddy stripped"), prefixed, rooted(site("caddy at the root", "root"))]
    for name, lines in WRONG_CADDY.items():
        place = f"reverse_proxy 127.0.0.1:{webs['open']} {{\n{lines}\n}}"
        sites.append(f"http://:{at[name]} {{\nbind 127.0.0.1\n{place}\n}}")
    with ExitStack() as stack:
        stack.enter_context(nginx(tmp_path_factory.mktemp("nginx"), servers, [at["nginx"]]))
        stack.enter_context(caddy(tmp_path_factory.mktemp("caddy"), "\n".join(sites), [at["caddy"]]))
        yield at


@pytest.fixture(scope="module", params=WAYS)
def way(request, doors):
    """A visitor who has signed in by the form: `ask`, the base path of links, and the reply to the form."""
    with Visitor(doors[request.param]) as ask:
        base = WAYS[request.param][1]
        reply = ask.form(f"{base}/login/?next={base}/requests/", password=PASSWORD, next=f"{base}/requests/")
        yield SimpleNamespace(ask=ask, base=base, signed_in=reply, name=request.param)


PAGES = ("", "requests/", "analysis/", "accounts/", "health/", "prices/", "keys/", "system/", "api/docs/", "admin/")


def test_a_form_opens_a_session_whose_cookies_are_ours_alone(way):
    assert (way.signed_in.status_code, way.signed_in.headers["Location"]) == (302, f"{way.base}/requests/")
    cookies = {cookie.name: cookie for cookie in way.ask.cookies.jar}
    assert {"cpa_usage_session", "csrftoken"} <= set(cookies)
    assert {(cookie.path, cookie.secure) for cookie in cookies.values()} == {(f"{way.base}/", True)}
    assert "HttpOnly" in way.signed_in.headers["Set-Cookie"]
    (mine,) = (row for row in way.ask.api(f"{way.base}/api/v1/auth/sessions").json()["items"] if row["current"])
    assert mine["address"] == CLIENT
    with Visitor(way.ask.base_url.port) as stranger:  # the scheme is believed: nothing is to be set
        page = stranger.get(f"{way.base}/login/")
    assert page.status_code == 200 and "APP_PUBLIC_URL" not in page.text


def test_pages_load_with_all_their_files_and_lead_nowhere_else(way):
    loaded = set()
    for path in PAGES:
        page = way.ask.get(f"{way.base}/{path}")
        assert page.status_code == 200, path
        links = Links(page.text)
        for link in links.assets | links.places:
            parts = urlsplit(urljoin(f"{way.base}/{path}", link))
            assert (parts.scheme, parts.netloc) == ("", ""), link
            assert link.startswith(("#", "?")) or parts.path.startswith(f"{way.base}/"), link
        loaded |= {urljoin(f"{way.base}/{path}", link) for link in links.assets}
    assert len(loaded) > 20
    for link in loaded:
        reply = way.ask.get(link)
        assert (reply.status_code, bool(reply.content)) == (200, True), link


def test_the_docs_page_has_its_schema(way):
    script = next(link for link in Links(way.ask.get(f"{way.base}/api/docs/").text).assets if "script" in link)
    drawn = way.ask.get(f"{way.base}/api/docs/{script}" if script.startswith("?") else script).text
    assert f'"{way.base}/api/schema/"' in drawn
    schema = way.ask.api(f"{way.base}/api/schema/").json()
    assert schema["servers"] == [{"url": way.base or "/"}]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_an_export_is_streamed_whole(way, kind):
    with way.ask.stream("GET", f"{way.base}/requests.{kind}?range=all") as reply:
        text = "".join(reply.iter_text())
        rows = (
            list(csv.DictReader(io.StringIO(text, newline="")))
            if kind == "csv"
            else text.removesuffix("\n").split("\n")
        )
        assert (reply.status_code, len(rows)) == (200, EVENTS)
        assert "Content-Length" not in reply.headers and "attachment" in reply.headers["Content-Disposition"]


def test_parts_of_pages_come_as_htmx_asks(way):
    headers = {"HX-Request": "true", "Accept": "*/*", "HX-Current-URL": f"https://{HOST}{way.base}/analysis/"}
    for path, part in (
        ("analysis/failures/?range=all", 'id="failures"'),
        ("filters/choices/?label=model&model=claude&range=all", "<option"),
    ):
        reply = way.ask.get(f"{way.base}/{path}", headers=headers)
        assert (reply.status_code, part in reply.text) == (200, True)


def test_a_page_that_did_not_change_is_not_sent_again(way):
    for _ in range(3):  # figures "of now" may turn in between
        page = way.ask.get(f"{way.base}/requests/")
        again = way.ask.get(f"{way.base}/requests/", headers={"If-None-Match": page.headers["ETag"]})
        if again.status_code == 304:
            break
    assert (page.status_code, again.status_code, again.content) == (200, 304, b"")
    assert re.search(r'data-live-poll="\d+"', page.text)


def test_redirects_stay_where_we_are(way):
    asked = [f"{way.base}/requests", f"{way.base}/admin/login/?next={way.base}/admin/", f"{way.base}/login/"]
    asked += ["/", "/usage"] if way.base else []
    for path in asked:
        reply = way.ask.get(path)
        there = urlsplit(reply.headers["Location"])
        assert reply.status_code in (301, 302, 308), path
        assert there.netloc.partition(":")[0] in ("", HOST) and there.path.startswith(f"{way.base}/"), path
        assert there.scheme in ("", "https")
    with Visitor(way.ask.base_url.port) as stranger:
        reply = stranger.get(f"{way.base}/keys/?range=all")
        assert (
            reply.headers["Location"]
            == f"{way.base}/login/?next={way.base.replace('/', '%2F')}%2Fkeys%2F%3Frange%3Dall"
        )


def test_errors_are_ours(way):
    page = way.ask.get(f"{way.base}/nothing/")
    assert (page.status_code, f"All pages are below {way.base}/" in page.text) == (404, True)
    assert way.ask.get(f"{way.base}/?range=fortnight").status_code == 400
    reply = way.ask.api(f"{way.base}/api/v1/nothing")
    assert (reply.status_code, reply.json()) == (404, {"error": "There is nothing at this address."})
    large = way.ask.post(f"{way.base}/api/v1/auth/login", content=b" " * 9_000_000 + b"{}", headers={"Accept": "*/*"})
    assert large.status_code in (400, 415)  # it arrived
    too_large = way.ask.post(f"{way.base}/api/v1/auth/login", content=b" " * 12_000_000)
    # Caddy says 502 where it was still sending when the connection was closed.
    assert too_large.status_code in ((413, 502) if "caddy" in way.name else (413,))


def test_writes_of_our_pages_and_of_no_others(way):
    price = {"prompt_price_per_1m": 1, "completion_price_per_1m": 2}
    address = f"{way.base}/api/v1/pricing/proxied"
    assert way.ask.put(address, json=price, headers=way.ask.origin).status_code == 200
    refused = way.ask.put(address, json=price, headers={"Origin": "https://evil.example"})
    assert refused.status_code == 403 and "APP_PUBLIC_URL" in refused.json()["error"]
    reply = way.ask.form(f"{way.base}/", f"{way.base}/theme/", next=f"{way.base}/health/", theme="dark")
    assert (reply.status_code, reply.headers["Location"]) == (302, f"{way.base}/health/")


def test_the_admin_has_its_own_form_and_both_sign_out(way):
    with Visitor(way.ask.base_url.port) as ask:
        reply = ask.form(f"{way.base}/admin/login/?next={way.base}/admin/", username="owner", password=PASSWORD)
        assert (reply.status_code, reply.headers["Location"]) == (302, f"{way.base}/admin/")
        assert ask.get(f"{way.base}/admin/pricing/model/").status_code == 200
        reply = ask.form(f"{way.base}/system/", f"{way.base}/logout/")
        assert (reply.status_code, reply.headers["Location"]) == (302, f"{way.base}/login/")
        assert "cpa_usage_session" not in ask.cookies
        assert ask.get(f"{way.base}/").headers["Location"].startswith(f"{way.base}/login/")


def test_the_example_of_nginx_leads_from_http_to_https(doors):
    with Visitor(doors["plain"], "http") as ask:
        reply = ask.get("/usage/keys/?range=all")
    assert (reply.status_code, reply.headers["Location"]) == (301, f"https://{HOST}/usage/keys/?range=all")


# --- What does not fit --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("door", "scheme", "names"),
    [
        ("over http", "http", ("APP_PUBLIC_URL", "TRUSTED_PROXIES")),
        ("silent over http", "http", ("APP_PUBLIC_URL", "TRUSTED_PROXIES")),
        ("not trusted", "https", ("127.0.0.1", "TRUSTED_PROXIES")),
        ("another host", "https", ("APP_PUBLIC_URL",)),
    ],
)
def test_a_sign_in_that_cannot_last_says_what_to_set(doors, door, scheme, names):
    with Visitor(doors[door], scheme) as ask:
        reply = ask.form("/usage/login/", password=PASSWORD)
        shown = [reply] if scheme == "https" else [reply, ask.get("/usage/login/"), ask.get("/usage/admin/login/")]
        assert reply.status_code == 403
        assert [name for page in shown for name in names if name not in page.text] == []
        again = ask.form("/usage/login/", password=PASSWORD)  # nothing goes round in circles
        assert again.status_code == 403


def test_a_page_of_ours_that_django_takes_for_foreign_says_what_to_set(doors):
    with Visitor(doors["not trusted"]) as ask:
        ask.headers["Sec-Fetch-Site"] = "same-origin"
        reply = ask.form("/usage/login/", password=PASSWORD)
        assert (reply.status_code, "TRUSTED_PROXIES" in reply.text) == (403, True)


def test_a_host_that_is_not_ours_says_what_to_set(doors):
    with Visitor(doors["foreign host"], "http") as ask:
        for reply in (ask.get("/usage/"), ask.api("/usage/api/v1/ping"), ask.form("/usage/theme/")):
            assert reply.status_code == 400
            assert "APP_PUBLIC_URL" in reply.text and "AUTH_ENABLED" in reply.text


def test_a_path_that_is_not_ours_says_what_to_set(doors):
    with Visitor(doors["stats"]) as ask:
        for path in ("", "login/", "keys/?range=all", "admin/"):
            reply = ask.get(f"/stats/{path}")
            assert (reply.status_code, "APP_BASE_PATH" in reply.text, "/stats" in reply.text) == (400, True, True)
        assert ask.api("/stats/api/v1/ping").status_code == 200


# A browser at this machine, and what clients of a proxy may send to look like one.
HERE = "GET {path} HTTP/{version}\nHost: {host}\nConnection: {connection}\nUser-Agent: Firefox\nAccept: */*\n\n"
HOPS = "keep-alive, X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, Via"


@pytest.mark.parametrize("door", ["1.0", "1.1", "closing", "upgrade", "localhost", *WRONG_CADDY])
def test_a_visitor_of_a_proxy_is_never_a_browser_of_this_machine(doors, webs, door):
    ours = f"127.0.0.1:{webs['open']}"
    usual = {"path": "/usage/admin/", "version": "1.1", "host": "localhost", "connection": "keep-alive"}
    assert answered(webs["open"], HERE.format(**usual)).startswith("HTTP/1.1 200 ")
    for changed in (
        {},
        {"host": ours},
        {"version": "1.0"},
        {"connection": HOPS},
        {"connection": "close"},
        {"path": f"http://{ours}/usage/admin/", "host": ours},
        {"connection": "keep-alive\nConnection: keep-alive"},
        {"connection": "keep-alive\nProxy-Connection: keep-alive\nKeep-Alive: timeout=5"},
    ):
        reply = answered(doors[door], HERE.format(**usual | changed))
        assert re.match(r"HTTP/1\.[01] (302|400) ", reply), (changed, reply)


# --- In a real browser --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium(doors):
    """Chromium, for which HOST is nginx that strips the path."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    hosts = f"MAP {HOST}:443 127.0.0.1:{doors['nginx stripped']}, MAP {HOST} 127.0.0.1"
    hosts += f", MAP cpa.example.net:443 127.0.0.1:{doors['frame']}"
    arguments = ["--no-sandbox", "--disable-gpu", f"--host-resolver-rules={hosts}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def window(chromium):
    """A fresh window that notes in `window.wrong` what failed or was complained of."""
    context = chromium.new_context(ignore_https_errors=True)
    page = context.new_page()
    page.wrong = []
    page.on("console", lambda said: page.wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("requestfailed", lambda request: page.wrong.append(f"{request.url}: {request.failure}"))
    page.on("response", lambda reply: page.wrong.append(reply.url) if reply.status >= 400 else None)
    yield page
    context.close()


@pytest.mark.parametrize("door", ["nginx stripped", "caddy stripped"])
def test_a_browser_signs_in_and_looks_around(window, doors, door):
    port = "" if door == "nginx stripped" else f":{doors[door]}"
    window.goto(f"https://{HOST}{port}/usage/")
    window.get_by_label("Password").fill(PASSWORD)
    window.get_by_role("button", name="Sign in").click()
    window.wait_for_url("**/usage/")
    pages = window.get_by_role("navigation", name="Pages")
    for link in reversed(pages.get_by_role("link").all()):
        address = link.get_attribute("href").partition("?")[0]
        with window.expect_response(lambda reply, there=address: urlsplit(reply.url).path == there):
            link.click()
        window.wait_for_url(f"**{address}*")
    with window.expect_response(lambda reply: reply.status == 304 or reply.ok):  # a live update
        window.evaluate("poll()")
    if door == "caddy stripped":  # they take long to draw
        window.goto(f"https://{HOST}{port}/usage/api/docs/")
        window.locator(".opblock").first.wait_for()
        window.goto(f"https://{HOST}{port}/usage/admin/pricing/model/")
    window.goto(f"https://{HOST}{port}/usage/system/")
    window.locator("form[action$='/logout/'] button").evaluate("button => button.form.requestSubmit(button)")
    window.wait_for_url("**/usage/login/")
    complaints = [text for text in window.wrong if "net::ERR_ABORTED" not in text]  # left before it had come
    assert [text for text in complaints if "inline style" not in text] == []  # the docs page has one, which is refused


def test_a_frame_of_another_site_says_what_to_do(window):
    window.goto("https://cpa.example.net/")
    ours = window.frame_locator("iframe")
    link = ours.get_by_role("link", name="in a tab of its own")
    assert link.get_attribute("href") == f"https://{HOST}/usage/" and link.get_attribute("target") == "_blank"
    assert "FRAME_ANCESTORS" in ours.get_by_role("alert").inner_text()
    ours.get_by_label("Password").fill(PASSWORD)
    ours.get_by_role("button", name="Sign in").click()
    ours.get_by_text("This form is no longer valid.").wait_for()
    assert "FRAME_ANCESTORS" in ours.get_by_role("alert").inner_text()


def test_a_browser_that_comes_by_http2_is_never_one_of_this_machine(window, doors):
    reply = window.goto(f"https://localhost:{doors['h2']}/usage/admin/")
    assert window.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol") == "h2"
    assert (reply.status, urlsplit(reply.url).path) == (200, "/usage/admin/login/")


def test_a_page_that_finds_no_stylesheets_says_what_to_set(window, doors):
    window.route("**/*.css", lambda route: route.abort())
    window.goto(f"https://{HOST}/usage/login/")
    assert window.get_by_text("APP_BASE_PATH").is_visible()
    window.unroute("**/*.css")
    window.reload()
    assert not window.get_by_text("APP_BASE_PATH").is_visible()
