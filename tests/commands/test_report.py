"""manage.py report: the numbers of the API, as a table that fits, as JSON and as CSV."""

import csv
import io
import json

import pytest
from django.core.management import CommandError
from django.utils.timezone import localdate

from aliases.models import ApiKey
from tests.usage.made import NOON, record, stored


def asked(client, path):
    return client.get(f"/api/v1/usage/{path}").json()


@pytest.mark.parametrize("by", ["model", "key", "account", "provider", "endpoint"])
def test_it_is_the_breakdown_of_the_api(client, month, run, by):
    name = {"key": "api_key", "account": "source"}.get(by, by)
    found = json.loads(run("report", "--by", by, "--range", "7d", "--json"))
    assert found["parts"][0]["breakdown"] == asked(client, f"breakdown?range=7d&by={name}")


@pytest.mark.parametrize(("name", "total"), [("yesterday", 4), ("last_week", 0), ("this_month", 10), ("60d", 13)])
def test_ranges_are_those_of_the_api(client, month, run, name, total):
    found = json.loads(run("report", "--by", "model", "--range", name, "--json"))
    assert found["figures"]["total"] == asked(client, f"overview?range={name}")["summary"]["total"] == total


@pytest.mark.parametrize(("word", "days"), [("daily", 4), ("weekly", 3), ("monthly", 2)])
def test_parts_of_a_period_are_those_of_the_api_and_add_up(client, month, run, word, days):
    found = json.loads(run("report", word, "--range", "all", "--json"))
    whole = asked(client, "overview?range=all")
    assert len(found["parts"]) == days
    assert {name: found["figures"][name] for name in whole["summary"]} == whole["summary"]
    assert sum(part["figures"]["total_tokens"] for part in found["parts"]) == whole["summary"]["total_tokens"]
    if word == "daily":
        buckets = {each["bucket"][:10]: each for each in whole["daily_series"] if each["total"]}
        for part in found["parts"]:
            bucket = buckets[part["first"]]
            assert all(part["figures"][name] == bucket[name] for name in whole["summary"])


def test_filters_are_those_of_the_api(client, month, run):
    words = ["--since", "2026-11-23", "--until", "2026-11-24", "--model", "gpt-5", "--result", "success"]
    found = json.loads(run("report", "--by", "key", *words, "--json"))
    asking = "start=2026-11-23&end=2026-11-25&model=gpt-5&result=success"
    assert found["parts"][0]["breakdown"]["rows"] == asked(client, f"breakdown?{asking}&by=api_key")["rows"]
    assert found["figures"]["total"] == 4
    named = json.loads(run("report", "--by", "key", *words, "--key", "alice", "--json"))
    assert named["figures"]["total"] == 2
    others = json.loads(run("report", "--by", "key", *words, "--not-key", "alice", "--json"))
    assert others["figures"]["total"] == 2 and [row["label"] for row in others["parts"][0]["breakdown"]["rows"]] != [
        "Alice"
    ]
    assert "not Alice" in run("report", "--month", "2026-11", "--not-key", "alice")


@pytest.mark.parametrize("columns", [80, 100, 120, 200])
def test_a_table_fits_has_every_figure_whole_and_no_colours_in_a_pipe(month, run, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    for words in (["daily", "--breakdown"], ["--by", "model"], ["--month", "2026-11", "--key", "Alice"]):
        text = run("report", *words)
        assert max(map(len, text.splitlines())) <= columns
        assert "\x1b" not in text
        for line in text.splitlines():
            assert "…" not in line[30:] or "model-of" in line, line
    assert ("Failed" in text) == (columns >= 110)
    assert "[red]model" in run("report", "--by", "model")


def test_a_report_says_which_days_it_is_about(month, run):
    assert run("report", "--since", "2026-11-23", "--until", "2026-11-24").startswith(
        "2026-11-23 to 2026-11-24, days in Asia/Shanghai"
    )
    lines = run("report", "monthly", "--range", "all").splitlines()
    assert [line.split()[0] for line in lines if line.startswith("2026-1")] == ["2026-10-25", "2026-10", "2026-11"]


def test_names_do_not_steer_the_terminal(month, run):
    stored(record(NOON, model="\x1b]0;owned\x07\x9b2Jm", request_id="odd"))
    text = run("report", "--by", "model")
    assert not {"\x1b", "\x07", "\x9b"} & set(text) and "]0;owned" in text


def test_colours_are_for_terminals(month, run, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1m" in run("report")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in run("report", "--by", "model")


def test_a_statement_has_days_models_and_list_prices(client, month, run):
    text = run("report", "--month", "2026-11", "--key", "Alice")
    assert "Alice: 2026-11-01 to 2026-11-30" in text and "List prices used" in text
    price = next(line for line in text.splitlines() if line.startswith("gpt-5") and "standard" in line)
    assert price.split()[-4:] == ["1.25", "0.125", "1.25", "10.00"]
    found = json.loads(run("report", "--month", "2026-11", "--key", "Alice", "--json"))
    key = ApiKey.objects.get(alias="Alice").fingerprint
    assert found == asked(client, f"statement?start=2026-11-01&end=2026-12-01&api_key={key}")
    assert found["about"] == {"api_key": ["Alice"]}
    assert [(each["model"], each["rates"]["prompt"], each["factor"]) for each in found["prices"]] == [
        ("gpt-5", 1.25, 1)
    ]
    assert found["days"]["figures"] == found["models"]["figures"]


def test_a_price_that_changed_is_listed_twice_and_a_discount_is_named(client, month, run):
    json_body = {"content_type": "application/json"}
    later = {"model": "gpt-5", "prompt_price_per_1m": 2, "completion_price_per_1m": 20, "valid_from": "2026-11-24"}
    assert client.put("/api/v1/pricing", later, **json_body).status_code == 200
    client.put("/api/v1/pricing/adjustments", {"scope": "provider", "value": "codex", "factor": 0.5}, **json_body)
    found = json.loads(run("report", "--month", "2026-11", "--json"))
    assert {(each["valid_from"], each["rates"]["prompt"], each["factor"]) for each in found["prices"]} >= {
        ("2026-11-24", 2.0, 0.5)
    }
    assert len(found["prices"]) == 2


def test_csv_has_every_digit_and_adds_up(client, month, run):
    rows = list(csv.DictReader(io.StringIO(run("report", "--month", "2026-11", "--csv"))))
    whole = asked(client, "overview?start=2026-11-01&end=2026-12-01")["summary"]
    assert {"day", "model"} < set(rows[0])
    assert sum(int(row["total"]) for row in rows) == whole["total"]
    assert sum(float(row["cost"]) for row in rows) == pytest.approx(whole["cost"])


def test_nothing_is_said_in_words(db, run):
    assert run("report") == "No requests in this period.\n"
    assert run("report", "--month", "2026-10") == "No requests in this period.\n"
    assert json.loads(run("report", "--json"))["parts"] == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["yearly"], "yearly is unknown: use daily, weekly, monthly."),
        (["--by", "color"], "--by: Unknown by: use model,"),
        (["--range", "fortnight"], "--range: Unknown range:"),
        (["--since", "2026-13-01"], "--since: Not a moment:"),
        (["--since", "2026-11-02", "--until", "2026-11-01"], "--until: "),
        (["--month", "2026-13"], "--month: a month is written as 2026-10."),
        (["--key", "nobody"], "--key: no client key has this name"),
        (["--json", "--csv"], "Choose --json or --csv."),
        (["weekly", "--month", "2026-11"], "--month is a statement of that month"),
        (["--month", "2026-11", "--by", "key"], "--month is a statement of that month"),
        (["--month", "2026-11", "--since", "2026-11-03"], "--month is a statement of that month"),
    ],
)
def test_what_does_not_read_is_refused_in_a_line(month, run, words, sentence):
    with pytest.raises(CommandError) as refused:
        run("report", *words)
    assert str(refused.value).startswith(sentence) and "\n" not in str(refused.value)


def test_two_keys_of_a_name_are_not_mixed_up(month, run):
    ApiKey.objects.describe("sk-client-bob-0001", alias="alice")
    with pytest.raises(CommandError, match="--key: 2 keys are called Alice"):
        run("report", "--key", "Alice")


def test_a_day_that_is_named_is_included(month, run):
    day = str(localdate())
    assert json.loads(run("report", "--since", day, "--until", day, "--json"))["figures"]["total"] == 3
    assert json.loads(run("report", "--since", day, "--json"))["figures"]["total"] == 3
