"""manage.py importusage: what it says, and refusals in a sentence."""

import json

import pytest
from django.core.management import CommandError, call_command

from tests.usage.made import NOON, SECOND, record
from usage.models import Event, Import

pytestmark = pytest.mark.django_db


@pytest.fixture
def path(tmp_path, settings):
    settings.USAGE_RETENTION_DAYS = 0
    path = tmp_path / "usage.jsonl"
    path.write_bytes(b"".join(record(NOON + n * SECOND) + b"\n" for n in range(1200)) + b'{"no": "record"}\n')
    return path


def said(capsys, *words, **options):
    call_command("importusage", *words, **options)
    return capsys.readouterr().out


def test_what_it_says_of_a_file(path, capsys):
    dry = said(capsys, path, "--dry-run")
    assert "usage.jsonl: records as CPA sends them, 1,201 events" in dry
    assert "2026-11-24 to 2026-11-24, 1 models, 1 client keys" in dry
    assert "It would bring:\n  1,200 new events" in dry and not Import.objects.exists()
    done = said(capsys, path)
    counted = "  1,200 new events, 0 of them as totals of days alone\n  0 stored before"
    assert counted in dry and f"Import 1 is done:\n{counted}" in done.replace(
        f"Import {Import.objects.get().id}", "Import 1"
    )
    assert "  1 dead letters" in done
    number = Import.objects.get().id
    assert "done" in said(capsys, "--list") and "1,200" in said(capsys, "--list")
    (row,) = map(json.loads, said(capsys, "--list", "--json").splitlines())
    assert (row["id"], row["events"], row["known"], row["state"]) == (number, 1200, 0, "done")
    assert said(capsys, "--undo", str(number)) == f"Import {number} of usage.jsonl is undone.\n"
    assert not Event.objects.exists()


def test_json_is_a_line_a_file(path, capsys):
    dry, done = (json.loads(said(capsys, path, "--json", *words)) for words in (["--dry-run"], []))
    assert (dry["events"], dry["dead"], dry["models"]) == (1200, 1, {"gpt-5": 1200})
    assert (done["events"], done["dead"], done["name"]) == (1200, 1, "usage.jsonl")


def test_refusals_are_a_sentence(path, tmp_path):
    notes = tmp_path / "notes.txt"
    notes.write_text("nothing to import")
    for words in (
        (notes,),
        (notes, "--dry-run"),
        (tmp_path / "absent",),
        (tmp_path,),
        ("--undo", "7"),
        (),
        (path, "--list"),
    ):
        with pytest.raises(CommandError) as refusal:
            call_command("importusage", *words)
        assert "\n" not in str(refusal.value)
    assert not Import.objects.exists()
