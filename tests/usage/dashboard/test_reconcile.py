"""The page and the command that compare a provider's file with our records."""

import re
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from pricing.models import Model
from tests.usage.made import DAY, NOON, SECOND, record, stored
from tests.usage.reconcile import files
from usage.models import ColumnMapping
from usage.reconcile.sheets import MAX_BYTES

pytestmark = pytest.mark.django_db
PATH = "/prices/reconcile/"
KNOWN = "usage_date_utc,model,token_type,cost_usd\n2026-11-24,GPT 5,output,{}\n"
OTHER = "Day,Model,Input,Output,Total cost\n2026-11-24,gpt-5,1000,500,0.00528\n2026-11-25,o3,7,0,0.1\n"
COLUMNS = {"date": "Day", "model": "Model", "input": "Input", "output": "Output", "cost": "Total cost"}


@pytest.fixture(autouse=True)
def records(set_clock):
    Model.objects.set_price("gpt-5", {"prompt": 2_000_000, "completion": 8_000_000, "cache_read": 200_000})
    stored(*(record(NOON + n) for n in range(10)))
    stored(*(record(NOON + SECOND + n, source="bob@example.com", provider="openai") for n in range(5)))
    set_clock(NOON + 20 * DAY)


def upload(text):
    return SimpleUploadedFile("bill.csv", text if isinstance(text, bytes) else text.encode())


def posted(client, text, **fields):
    return client.post(PATH, {"file": upload(text), **fields})


def choices():
    return {f"column_{role}": name for role, name in COLUMNS.items()}


def test_the_page_is_found_from_the_prices(client):
    assert PATH in client.get("/prices/").text
    page = client.get(PATH)
    assert (page.status_code, page.text.count('type="file"'), "bob@example.com" in page.text) == (200, 1, True)


def test_a_known_file_is_compared_at_once(client):
    page = posted(client, KNOWN.format("0.00792"))
    assert page.context["found"].total.agrees
    assert "Anthropic cost" in page.text
    assert "Every day agrees, to the token and to the cent." in page.text
    page = posted(client, KNOWN.format("1.00792"))
    assert page.context["found"].total.agrees is False
    assert re.search(r'\+<data value="1\.0*" title="[^"]*">\$1\.00</data>', page.text)
    assert "the file has no tokens" in page.text
    assert "{{" not in page.text


def test_one_account_or_provider_is_compared(client):
    for fields in ({"source": "bob@example.com"}, {"provider": "openai"}):
        page = posted(client, KNOWN.format("0.00264"), **fields)
        assert page.context["found"].total.agrees
        assert "selected" in page.text
    assert posted(client, KNOWN.format("1"), provider="nothing").context["found"].total.ours.cost is None


def test_columns_are_chosen_once_and_nothing_else_is_kept(client):
    page = posted(client, OTHER)
    assert "found" not in page.context
    chosen = {role: name for role, _, name in page.context["roles"] if name}
    assert chosen == COLUMNS
    assert "0.00528" in page.text  # a line of the file, to choose by
    assert not ColumnMapping.objects.exists()
    page = posted(client, OTHER, **choices(), timezone="Asia/Shanghai")
    assert (page.context["found"].bill.zone, page.context["found"].total.tokens) == ("Asia/Shanghai", 1507 - 15 * 150)
    kept = ColumnMapping.objects.get()
    assert (kept.columns, kept.zone) == (COLUMNS, "Asia/Shanghai")
    page = posted(client, OTHER)
    assert page.context["found"].bill.zone == "Asia/Shanghai"
    page = posted(client, OTHER, choose="1")
    assert {role: name for role, _, name in page.context["roles"] if name} == COLUMNS


@pytest.mark.parametrize(
    ("text", "fields", "sentence"),
    [
        ("", {}, "The submitted file is empty."),
        ("text", {}, "No table was found"),
        (b"PK\x03\x04", {}, "This is a spreadsheet, an archive or a document: export it as CSV."),
        (KNOWN.format("one"), {}, "Line 2, column &quot;cost_usd&quot;: &quot;one&quot; is no number"),
        (OTHER, {"column_date": "Input", "column_cost": "Total cost"}, "Line 2, column &quot;Input&quot;"),
        (OTHER, {"column_date": "Day"}, "Say which columns have tokens or cost"),
        (OTHER, {"timezone": "Mars/Olympus"}, "There is no time zone Mars/Olympus."),
        (OTHER, {"column_date": "Day", "column_cost": "Price"}, "There is no such column"),
        (b"x" * (MAX_BYTES + 1), {}, "The file is larger than 10 MB."),
    ],
)
def test_what_cannot_be_read_says_why(client, text, fields, sentence):
    page = posted(client, text, **fields)
    assert (page.status_code, sentence in page.text) == (200, True)
    assert not ColumnMapping.objects.exists()


def test_a_request_without_a_file_says_so(client):
    assert "Choose a file." in client.post(PATH, {}).text


def test_markup_in_a_file_is_shown_and_never_meant(client):
    evil = "<script>alert(1)</script>"
    pages = [
        posted(client, f"{evil},b\n{evil},2\n"),
        posted(client, KNOWN.replace("GPT 5", evil).format(1)),
        posted(client, KNOWN.format(evil)),
    ]
    assert [page for page in pages if "<script>alert" in page.text] == []
    assert all("&lt;script&gt;" in page.text for page in pages)


def test_a_file_needs_the_token_of_our_form_and_a_login(client, settings):
    assert posted(Client(enforce_csrf_checks=True), KNOWN.format(1)).status_code == 403
    settings.AUTH_ENABLED, settings.LOGIN_PASSWORD = True, "open sesame"
    assert posted(client, KNOWN.format(1))["Location"].startswith("/usage/login/")


def test_the_page_speaks_chinese(client):
    page = client.post(PATH, {"file": upload(KNOWN.format("1"))}, headers={"Accept-Language": "zh-CN"})
    assert "与账单核对" in page.text
    assert "文件中没有 Token" in page.text


def reconciled(*arguments):
    out = StringIO()
    call_command("reconcile", *map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.fixture
def file(tmp_path):
    """A function that writes a file and returns its path."""

    def written(text):
        path = tmp_path / "bill.csv"
        path.write_bytes(text.encode())
        return path

    return written


def test_the_command_prints_totals_models_and_days(file):
    said = reconciled(file(KNOWN.format("1.00792")))
    first, *lines = said.splitlines()
    assert first == "Anthropic cost, 2026-11-24 to 2026-11-24, days in UTC"
    total = next(line for line in lines if line.startswith("  All models"))
    assert total.split()[2:] == ["15", "2,250", "-", "-", "0.0079", "1.0079", "+1.0000"]
    assert "    Unknown: the file has no tokens; a usage export tells more." in lines
    assert all(len(line) <= 140 for line in lines)


def test_the_command_counts_days_that_agree(file):
    said = reconciled(file(KNOWN.format("0.00792")))
    assert "1 of 1 days of models agree to the token and to the cent." in said
    assert "\n2026-11-24\n" not in said
    assert "\n2026-11-24\n" in reconciled(file(KNOWN.format("1.00792")))


def test_the_command_takes_columns_once(file):
    path = file(OTHER)
    with pytest.raises(CommandError, match="say which column is what"):
        reconciled(path)
    columns = ",".join(f"{role}={name}" for role, name in COLUMNS.items())
    assert "days in Asia/Shanghai" in reconciled(path, "--columns", columns, "--timezone", "Asia/Shanghai")
    assert "days in Asia/Shanghai" in reconciled(path)


def test_the_command_compares_one_account_or_provider(file):
    path = file(KNOWN.format("0.00264"))
    for arguments in (["--account", "bob@example.com"], ["--provider", "openai"]):
        assert "1 of 1 days of models agree" in reconciled(path, *arguments)
    assert "agree" not in reconciled(path)


@pytest.mark.parametrize(
    ("text", "arguments", "sentence"),
    [
        ("text", [], "No table was found"),
        (KNOWN.format("one"), [], 'Line 2, column "cost_usd": "one" is no number'),
        (OTHER, ["--columns", "Day"], "--columns is a list such as"),
        (OTHER, ["--columns", "date=Tag,cost=Preis"], 'Column "Tag": There is no such column; there are Day,'),
        (OTHER, ["--timezone", "Mars"], "There is no time zone Mars."),
    ],
)
def test_the_command_says_what_is_wrong_in_one_line(file, text, arguments, sentence):
    with pytest.raises(CommandError) as refusal:
        reconciled(file(text), *arguments)
    assert str(refusal.value).startswith(sentence)
    assert "\n" not in str(refusal.value)


def test_the_command_names_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CommandError, match=r"nothing\.csv"):
        reconciled(tmp_path / "nothing.csv")


def test_files_of_every_format_are_compared(client):
    texts = [value for name, value in vars(files).items() if name.isupper() and name != "RESELLER"]
    assert len(texts) > 6
    for text in texts:
        page = posted(client, text)
        assert (page.status_code, "wrong" in page.context) == (200, False)
        assert "totals-title" in page.text


def test_a_choice_of_columns_is_forgotten_in_the_admin(admin_client):
    posted(admin_client, OTHER, **choices())
    changelist = "/admin/usage/columnmapping/"
    assert "date=Day, input=Input, model=Model" in admin_client.get(changelist).text
    chosen = {"action": "delete_selected", "_selected_action": [ColumnMapping.objects.get().pk], "post": "yes"}
    admin_client.post(changelist, chosen)
    assert not ColumnMapping.objects.exists()
