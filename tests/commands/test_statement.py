"""A statement: the same figures on the page, from the API, in the terminal and as CSV."""

import csv
import html
import io
import re
from datetime import date

import pytest

from aliases.models import ApiKey
from tests.commands.conftest import NOW
from tests.usage.made import DAY, NOON, record, stored
from usage.dashboard.formats import exact, usd

PAGE = ("total", "input_tokens", "cache_read_tokens", "cache_creation_tokens", "output_tokens", "total_tokens")
TERMINAL = ("total", "failed", "input_tokens", "output_tokens", *PAGE[2:4], "total_tokens")  # the columns before cost
MONTH = "start=2026-11-01&end=2026-12-01"


def cells(text):
    """The texts of each row of each table of a page."""
    rows = re.findall(r"<tr>(.*?)</tr>", text, re.S)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in rows]
    return [[" ".join(html.unescape(re.sub("<[^>]+>", "", cell)).split()) for cell in row] for row in cells]


def named(statement):
    """(name, figures) of every line of the API's statement: days, their total, models, their total."""
    days, models = statement["days"], statement["models"]
    yield from ((part["first"], part["figures"]) for part in days["parts"])
    yield "Total", days["figures"]
    yield from ((row["label"], row["figures"]) for row in models["parts"][0]["breakdown"]["rows"])
    yield "Total", models["figures"]


@pytest.fixture
def big(month):
    """The month with figures that are abbreviated elsewhere, each token class another."""
    counts = {
        "input": 6_470_123,
        "output": 81_234,
        "cached": 2_702_972,
        "cache_creation": 1_064_179,
        "total": 6_551_357,
    }
    stored(record(NOON - DAY - 20, tokens=counts, api_key="sk-client-alice-0000"), arrived=NOW)


def shown(used, names, cost):
    """The figures as texts; a dash for a cost that is not known."""
    return [*(exact(used[name]) for name in names), cost(used["cost"]) if used["cost"] else "–"]


def on_paper(name):
    """A day as the page writes it; another name as it is."""
    return f"{date.fromisoformat(name):%-d %b %Y}" if re.fullmatch(r"\d{4}-\d\d-\d\d", name) else name


@pytest.mark.parametrize("key", ["", "Alice"])
def test_page_api_terminal_and_csv_have_the_same_figures(client, big, run, monkeypatch, key):
    monkeypatch.setenv("COLUMNS", "200")
    only = f"&api_key={ApiKey.objects.get(alias=key).fingerprint}" if key else ""
    words = ["report", "--month", "2026-11", *(["--key", key] if key else [])]
    lines = list(named(client.get(f"/api/v1/usage/statement?{MONTH}{only}").json()))
    assert len(lines) == (6 if key else 7) and lines[-1][1]["input_tokens"] > 2_000_000

    rows = cells(client.get(f"/statement/?{MONTH}{only}").text)
    assert rows[0] == ["Day", "Requests", "Input", "Cache read", "Cache write", "Output", "Tokens", "Cost"]
    on_page = [row for row in rows if row[0] not in ("Day", "Model")][: len(lines)]
    assert on_page == [[on_paper(name), *shown(used, PAGE, "${:,.2f}".format)] for name, used in lines]

    in_terminal = [line.split()[-8:] for line in run(*words).splitlines() if re.search(r" (\$[\d.,]+|–) *$", line)]
    assert in_terminal == [shown(used, TERMINAL, usd) for _, used in lines]

    table = list(csv.DictReader(io.StringIO(run(*words, "--csv"))))
    whole = lines[-1][1]
    assert {name: sum(int(row[name]) for row in table) for name in PAGE} == {name: whole[name] for name in PAGE}


def test_what_has_no_price_is_said_as_in_the_terminal(client, month, run):
    text = html.unescape(re.sub("<[^>]+>", "", client.get(f"/statement/?{MONTH}").text))
    sentence = run("report", "--month", "2026-11").splitlines()[-1]
    assert "tokens have no price, and no part in the cost" in sentence
    assert " ".join(text.split()).count(sentence) == 1
    key = ApiKey.objects.get(alias="Alice").fingerprint
    assert "no part in the cost" not in client.get(f"/statement/?{MONTH}&api_key={key}").text


@pytest.mark.parametrize(
    ("query", "title"),
    [
        (MONTH, "Statement · 2026-11 · cpa-usage"),
        (f"{MONTH}&api_key=KEY&model=gpt-5", "Statement · gpt-5 · Alice · 2026-11 · cpa-usage"),
        ("start=2026-11-01&end=2026-11-16", "Statement · 2026-11-01 – 2026-11-15 · cpa-usage"),
        ("start=2026-10-02&end=2026-11-01", "Statement · 2026-10-02 – 2026-10-31 · cpa-usage"),
        ("start=2026-11-01&end=2027-01-01", "Statement · 2026-11-01 – 2026-12-31 · cpa-usage"),
    ],
)
def test_the_title_names_what_it_is_about(client, month, query, title):
    query = query.replace("KEY", ApiKey.objects.get(alias="Alice").fingerprint)
    text = client.get(f"/statement/?{query}").text
    assert " ".join(re.search("<title>(.*?)</title>", text, re.S)[1].split()) == title


def test_days_are_written_alike(client, month):
    text = " ".join(client.get(f"/statement/?{MONTH}").text.split())
    assert "1–30 Nov (Asia/Shanghai)" in text and "Nov." not in text


def test_a_statement_of_nothing_has_neither_days_nor_a_span(client, db):
    text = " ".join(client.get("/statement/?range=all").text.split())
    assert "> – (Asia/Shanghai)" in text and "No requests in this range." in text
    assert re.search(r"<title>\s+Statement\s+· cpa-usage\s+</title>", text)
