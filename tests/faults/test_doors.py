"""Doors that are seldom used: every address with every method, the way back after a form, cells, what strangers see."""

import csv
import io
import logging
import re

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import URLPattern, get_resolver

from catalog.models import Connection
from cpa_usage.api import OURS
from tests.usage.made import NOON, record, stored
from usage.analytics.exports.forms import ExportForm
from usage.query.filters import UsageFilter
from usage.query.forms import checked
from usage.time.periods import Period

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse"
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "NONSENSE")
NEVER_OFFERED = ("PATCH", "TRACE", "NONSENSE")
AWAY = {502, 503}  # CPA is away in tests, and no drain has run


@pytest.fixture
def locked(settings):
    settings.AUTH_ENABLED, settings.LOGIN_PASSWORD = True, PASSWORD


def signed_in():
    client = Client(raise_request_exception=False)
    reply = client.post("/api/v1/auth/login", {"password": PASSWORD}, content_type="application/json")
    assert reply.status_code == 200
    return client


# --- Every address ------------------------------------------------------------------------------------------------


def routes(patterns, before=""):
    """Every address there is, with a 1 for each parameter that has no choices."""
    for pattern in patterns:
        route = f"{before}{pattern.pattern}"
        if isinstance(pattern, URLPattern):
            route = re.sub(r"\(\?P<\w+>(\w+)[^)]*\)|\(\?P<\w+>\.\*\)", lambda found: found[1] or "1", route)
            yield "/" + re.sub(r"<[^>]*>", "1", route).replace("\\", "").replace("^", "").replace("$", "")
        else:
            yield from routes(pattern.url_patterns, route)


ADDRESSES = sorted(set(routes(get_resolver().url_patterns)), key=lambda address: ("logout" in address, address))


def superuser():
    client = Client(raise_request_exception=False)
    client.force_login(get_user_model().objects.create_superuser("root"))
    return client


@pytest.mark.parametrize(
    ("login", "who"),
    [(False, Client), (False, superuser), (True, Client), (True, signed_in)],
    ids=["open to a stranger", "open to a superuser", "locked for a stranger", "locked for a session"],
)
def test_no_method_at_any_address_is_an_error_of_ours(request, caplog, login, who):
    if login:
        request.getfixturevalue("locked")
    assert len(ADDRESSES) > 100
    client = who()
    client.raise_request_exception = False
    codes = {}
    for address in ADDRESSES:
        # The admin takes every other method for a GET.
        for method in ("GET", "POST") if address.startswith("/admin/") else METHODS:
            reply = client.generic(method, address, "")
            codes[address, method] = reply.status_code
            _ = reply.getvalue()  # a file is read to its end
    assert {asked: code for asked, code in codes.items() if code >= 500 and code not in AWAY} == {}
    refused = {401, 405} if login and who is Client else {405}
    never = {asked: code for asked, code in codes.items() if asked[1] in NEVER_OFFERED and code not in refused}
    assert {asked for asked, code in never.items() if (asked[0], code) != ("/metrics", 401)} == set()  # asks first
    assert [line.getMessage() for line in caplog.records if line.exc_info and line.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("address", ["/api/schema/", "/api/docs/"])
@pytest.mark.parametrize("method", ["OPTIONS", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/vnd.oai.openapi"])
def test_the_schema_is_read_alone(client, address, method, accept):
    reply = client.generic(method, address, headers={"Accept": accept})
    assert (reply.status_code, reply["Content-Type"]) == (405, "application/json")
    assert list(reply.json()) == ["error"] and reply["Allow"] == "GET, HEAD"


# --- The way back -------------------------------------------------------------------------------------------------

ELSEWHERE = (
    *("", "/", "/other/", "//evil.example/usage/", "https://evil.example/usage/", "/usagex/", "/usage", "javascript:1"),
    *(
        "/usage/../other/",
        "/usage/%2e%2e/other/",
        "/usage/..%2fother/",
        "/usage/\\..\\..\\other",
        "\\\\evil.example",
        "http://[",
    ),
    *(
        "http://testserver/other/",
        "..",
        "../../other/",
        "/usage/%5c..%5c../other/",
        "/us\tage/",
        "\x00",
        "/usage/." + "./x",
    ),
)


@pytest.mark.parametrize("address", ["/language/", "/theme/", "/requests/columns/"])
@pytest.mark.parametrize("next_page", ELSEWHERE)
def test_a_form_does_not_lead_out_of_our_mount(client, address, next_page):
    reply = client.post(address, {"next": next_page, "language": "zh-hans", "theme": "dark"})
    assert (reply.status_code, reply["Location"]) == (302, "/usage/")


@pytest.mark.parametrize("address", ["/language/", "/theme/", "/requests/columns/"])
def test_a_form_leads_back(client, address):
    assert client.post(address)["Location"] == "/usage/"
    for ours in ("/usage/requests/?model=a..b&range=all", "/usage/a..b/", "http://testserver/usage/keys/"):
        assert client.post(address, {"next": ours})["Location"] == ours


def test_the_language_is_remembered_below_our_base_path(client):
    cookie = client.post("/language/", {"language": "zh-hans"}).cookies["django_language"]
    assert (cookie.value, cookie["path"]) == ("zh-hans", "/usage/")
    assert not client.post("/language/", {"language": "xx\n"}).cookies
    assert client.get("/language/").status_code == 405


# --- Cells --------------------------------------------------------------------------------------------------------

SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "﹦", "﹢", "﹣", "﹫", "−")
UNSEEN = (
    *("", " ", "\t", "\r", "\n", "\x01", "\x7f", "\u00a0", "\u00ad", "\u034f", "\u061c", "\u115f", "\u180e", "\u2003"),
    *("\u200b", "\u200d", "\u200e", "\u202e", "\u2028", "\u2060", "\u2066", "\u2800", "\u3000", "\u3164", "\ufe0f"),
    *("\ufeff", "\uffa0", "\U000e0041", " \u200b\t\ufeff"),
)


def exported(texts):
    """The cells of an export for errors that begin with these texts, by the text."""
    records = []
    for number, text in enumerate(texts):
        failure = {"failed": True, "fail": {"status_code": 500, "body": text}}
        records.append(record(NOON + number * 1000, request_id=f"{number}", **failure))
    stored(*records, arrived=NOON)
    parts = checked(ExportForm({})).parts(UsageFilter(Period(None, None)))
    file = io.StringIO(b"".join(parts).decode("utf-8-sig"), newline="")
    return {texts[int(row["request_id"])]: row["fail_body"] for row in csv.DictReader(file)}


def test_no_cell_begins_like_a_formula_however_it_is_hidden():
    texts = [f"{before}{sign}1+1" for before in UNSEEN for sign in SIGNS]
    assert exported(texts) == {text: f"'{text}" for text in texts}


def test_an_apostrophe_before_a_formula_has_another_so_that_one_can_be_taken_off():
    texts = ["'=1", "''-1", "'\t+1"]
    assert exported(texts) == {text: f"'{text}" for text in texts}


def test_other_cells_stay_as_they_are():
    texts = ["a=1", "1-1", "尺寸=1", "é", "(=1)", "\u200bword", " a", "“=1”", "'a", ".", "\u0301", "\u3000尺"]
    assert exported(texts) == dict(zip(texts, texts, strict=True))


# --- What strangers see -------------------------------------------------------------------------------------------

CPA = {"version": "v7.2.140", "commit": "a7e3596b7", "build_date": "2026-11-01"}
UNTOLD = {"commit": "", "build_date": ""}


def test_the_version_is_told_in_full_to_those_who_are_signed_in(client, locked):
    Connection.change(**CPA)
    ours = {"version": OURS.version, "commit": OURS.commit, "build_date": OURS.build_date}
    told, untold = {"cpa_usage": ours, "cpa": CPA}, {"cpa_usage": ours | UNTOLD, "cpa": UNTOLD | {"version": ""}}
    session = signed_in()
    token = session.cookies["cpa_usage_session"].value
    for reader in (session, Client(headers={"Authorization": f"Bearer {token}"})):
        assert reader.get("/api/v1/version").json() == told
    for stranger in (client, Client(headers={"Authorization": "Bearer nonsense"})):
        assert stranger.get("/api/v1/version").json() == untold
    assert client.get("/api/v1/ping").json() == {"pong": True, "version": OURS.version}


def test_the_version_is_told_to_all_where_there_is_no_login(client):
    Connection.change(**CPA)
    assert client.get("/api/v1/version").json()["cpa"] == CPA
    assert client.get("/api/v1/version").json()["cpa_usage"]["commit"] == OURS.commit
