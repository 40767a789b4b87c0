"""Files of providers: recognised by their columns, and read to the token and to the last digit."""

from datetime import date
from decimal import Decimal

import pytest

from tests.usage.reconcile import files
from usage.reconcile.bills import Amounts, bill_of
from usage.reconcile.formats import chosen, class_of, guessed, known
from usage.reconcile.sheets import BadFile, read
from usage.time.periods import day_number

MONDAY, TUESDAY = day_number(date(2026, 11, 23)), day_number(date(2026, 11, 24))
SONNET, GPT = "claude-sonnet-4-5-20250929", "gpt-5-2025-08-07"


def bill(text, columns=None, zone=""):
    sheet = read(text.encode())
    return bill_of(sheet, chosen(columns, zone, sheet) if columns else known(sheet), zone)


def test_anthropic_usage():
    found = bill(files.ANTHROPIC_USAGE)
    assert (found.title, found.zone) == ("Anthropic usage", "UTC")
    assert found.cells == {
        (MONDAY, SONNET): Amounts(None, 5260, 4000, 50, 605, 5865),
        (TUESDAY, "claude-haiku-4-5-20251001"): Amounts(None, 300, 0, 0, 40, 340),
    }


def test_anthropic_cost_has_no_tokens():
    found = bill(files.ANTHROPIC_COST)
    assert found.title == "Anthropic cost"
    assert found.cells == {
        (MONDAY, "Claude Sonnet 4.5"): Amounts(cost=Decimal("0.012")),
        (TUESDAY, "Claude Haiku 4.5"): Amounts(cost=Decimal("0.10")),
    }


def test_openai_usage_adds_up_keys_and_leaves_out_empty_days():
    found = bill(files.OPENAI_USAGE)
    assert (found.title, found.days) == ("OpenAI usage", range(MONDAY, TUESDAY))
    assert found.cells == {(MONDAY, GPT): Amounts(4, 1000, 400, None, 200, 1200)}


def test_days_of_openai_are_the_same_from_every_zone():
    for zone in ("UTC", "America/Los_Angeles", "Asia/Shanghai"):
        assert bill(files.OPENAI_USAGE, zone=zone).cells.keys() == {(MONDAY, GPT)}


def test_openai_cost_by_line_item():
    found = bill(files.OPENAI_COST)
    assert found.cells == {
        (MONDAY, GPT): Amounts(None, 1000, 100, None, 200, 1200, Decimal("0.0031375")),
        (MONDAY, "web search tool calls"): Amounts(cost=Decimal("0.02")),
    }


def test_openai_cost_of_everything_together():
    found = bill(files.OPENAI_COST_UNGROUPED)
    assert found.cells == {(MONDAY, ""): Amounts(cost=Decimal("1.25"))}


def test_openrouter_is_counted_on_the_days_of_any_zone():
    name = "anthropic/claude-4.5-sonnet-20250929"
    found = bill(files.OPENROUTER)
    assert found.title == "OpenRouter activity"
    assert found.cells == {
        (MONDAY, name): Amounts(1, 1000, 400, None, 200, 1200, Decimal("0.0123")),
        (TUESDAY, name): Amounts(1, 500, 0, None, 100, 600, Decimal("0.0077")),
    }
    assert bill(files.OPENROUTER.replace(".123,", "Z,").replace(".456,", "Z,"), zone="Asia/Shanghai").cells.keys() == {
        (TUESDAY, name)
    }


def test_googles_cost_table_below_the_lines_about_the_invoice():
    found = bill(files.GOOGLE_COST_TABLE)
    assert (found.title, found.zone, found.left_out) == ("Google Cloud cost table", "America/Los_Angeles", 4)
    assert found.cells == {
        (MONDAY, "gemini-2.5-pro"): Amounts(None, 1_251_000, 1000, None, 20_000, 1_271_000, Decimal("1.762625"))
    }


def test_money_in_another_currency_is_left_out():
    found = bill(files.GOOGLE_COST_TABLE.replace("Cost ($)", "Cost (€)"))
    assert found.currency == "€"
    assert [(amounts.total, amounts.cost) for amounts in found.cells.values()] == [(1_271_000, None)]
    columns = {"date": "day", "input": "input", "cost": "cost", "currency": "in"}
    rows = "day,input,cost,in\n2026-11-23,5,1,{}\n2026-11-23,6,2,{}\n"
    for names, currency, cost in [
        (("USD", "usd"), "", 3),
        (("usd", "EUR"), "EUR", 1),
        (("CNY", "EUR"), "CNY, EUR", None),
    ]:
        found = bill(rows.format(*names), columns)
        assert (found.currency, found.cells) == (currency, {(MONDAY, ""): Amounts(input=11, total=11, cost=cost)})
    with pytest.raises(BadFile, match="another currency than US dollars"):
        bill(files.OPENAI_COST_UNGROUPED.replace("usd", "eur"))


def test_words_after_a_cost_are_no_currency():
    assert bill("day,Cost (incl. tax)\n2026-11-23,1\n", {"date": "day", "cost": "Cost (incl. tax)"}).currency == ""


def test_a_line_about_a_month_is_refused():
    with pytest.raises(BadFile, match=r'^Line 6, column "Usage end date": The line is about more than a day'):
        bill(files.GOOGLE_COST_TABLE.replace("2026-11-23,2026-11-23", "2026-11-01,2026-11-30"))


def test_googles_export_has_hours_in_utc():
    found = bill(files.GOOGLE_BIGQUERY)
    assert found.cells == {
        (MONDAY, "gemini-3.1-flash-image"): Amounts(input=1_000_000, total=1_000_000, cost=Decimal("0.25")),
        (TUESDAY, "gemini-3.1-flash-image"): Amounts(output=500_000, total=500_000, cost=Decimal("1.5")),
    }
    there = bill(files.GOOGLE_BIGQUERY, zone="America/Los_Angeles")
    assert there.cells.keys() == {(MONDAY, "gemini-3.1-flash-image")}


def test_any_other_file_is_read_once_its_columns_are_known():
    assert known(read(files.RESELLER.encode())) is None
    columns = {"date": "Tag", "model": "Modell", "input": "Eingabe", "output": "ausgabe", "cost": "Preis"}
    found = bill(files.RESELLER, columns, "Europe/Berlin")
    assert found.zone == "Europe/Berlin"
    assert found.cells == {(TUESDAY, "gpt-5"): Amounts(None, 1000, None, None, 200, 1200, Decimal("0.0032"))}


def test_kinds_of_tokens_by_the_words_of_providers():
    kinds = {
        "cache_write_1h": "input_cache_write_1h",
        "cache_write": "input_cache_write_5m",
        "cache_read": "gpt-5, cached input",
        "uncached": "input_cache_miss_tokens",
        "output": "Text Output - Predictions",
        "requests": "request_count",
        "": "web search",
    }
    assert {role: class_of(kind) for role, kind in kinds.items()} == {role: role for role in kinds}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "No table was found: the first line names the columns, separated by commas or semicolons."),
        ("just a text\n", "No table was found: the first line names the columns, separated by commas or semicolons."),
        (
            "day,model,cost\n",
            "There is no usage in this file, or all of it is money in another currency than US dollars.",
        ),
        ("day,model,cost\n2026-11-23,m\n", "Line 2: There are 2 cells, and 3 columns."),
        ("day,model,cost\n2026-11-23,m,1,2\n", "Line 2: There are 4 cells, and 3 columns."),
        (
            "day,model,cost\n\n2026-11-23,m,x\n",
            'Line 3, column "cost": "x" is no number, or could be two: write it as 1234.5.',
        ),
        ("day,model,cost\n23/11/2026,m,1\n", 'Line 2, column "day": "23/11/2026" is no day: write it as 2026-11-24.'),
        (
            'day,model,cost\n2026-11-23,m,"1,234"\n',
            'Line 2, column "cost": "1,234" is no number, or could be two: write it as 1234.5.',
        ),
        ('day,model,cost\n2026-11-23,m,"1\n', "Line 2: This is no CSV: unexpected end of data."),
        ("day,cost,cost\n2026-11-23,1,2\n", 'Column "cost": The column is there more than once.'),
        ("date,cost\n2026-11-23,1\n", 'Column "day": There is no such column; there are date, cost.'),
    ],
)
def test_a_bad_file_is_refused_with_its_line_and_column(text, sentence):
    with pytest.raises(BadFile) as refusal:
        bill(text, {"date": "day", "cost": "cost"})
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"a,b\n1,\xff\n", "Line 2: This is no text in UTF-8."),
        (b"PK\x03\x04....", "This is a spreadsheet, an archive or a document: export it as CSV."),
        (b"a,b\n" * 3_000_000, "The file is larger than 10 MB."),
        (b"a," * 600 + b"b\n", "The file has more than 500 columns."),
    ],
)
def test_what_is_no_csv_is_refused(data, sentence):
    with pytest.raises(BadFile) as refusal:
        read(data)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"date": "day", "colour": "x"}, "There is no role colour: use date, model,"),
        ({"cost": "cost"}, "Say which column has the day or the time."),
        ({"date": "day"}, "Say which columns have tokens or cost."),
    ],
)
def test_columns_that_cannot_be_compared_are_refused(columns, sentence):
    with pytest.raises(BadFile, match="^" + sentence):
        chosen(columns, "", read(b"day,cost\n2026-11-23,1\n"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_delimiters(encoding, delimiter):
    text = "day,model,cost\r\n2026-11-23,mö,1\r\n\r\n".replace(",", delimiter)
    sheet = read(text.encode(encoding))
    assert sheet.header == ("day", "model", "cost")
    assert sheet.rows == [(2, ["2026-11-23", "mö", "1"])]
    assert sheet.fingerprint == read(b"Day,MODEL,cost\n").fingerprint


def test_headers_in_chinese_are_told_apart():
    one, other = (read(f"{header}\n1,2\n".encode()) for header in ("日期,费用", "模型,日期"))
    assert one.fingerprint != other.fingerprint
    with pytest.raises(BadFile, match="There is no such column; there are 日期, 费用"):
        chosen({"date": "日期", "cost": "金额"}, "", one)


def test_columns_are_guessed_by_usual_names():
    sheet = read(b"Date,Model name,Prompt Tokens,Completion tokens,Total cost,Amount\n")
    assert guessed(sheet) == {
        "date": "Date",
        "model": "Model name",
        "input": "Prompt Tokens",
        "output": "Completion tokens",
        "cost": "Total cost",
    }


def test_a_file_of_too_many_days_is_refused():
    with pytest.raises(BadFile, match="spans more than 1000 days"):
        bill("day,model,cost\n2020-01-01,a,1\n2026-01-01,a,1\n", {"date": "day", "cost": "cost"})
