"""manage.py importusage: what it says, and refusals in a sentence."""

import json
import os
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from tests import PROJECT
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
    assert "2026-11-24 to 2026-11-24, 1 model, 1 client key" in dry
    assert "It would bring:\n  1,200 new events" in dry and not Import.objects.exists()
    done = said(capsys, path)
    counted = "  1,200 new events, 0 of them as totals of days alone\n  0 stored before or repeated, 0 of"
    assert counted in dry and f"Import 1 is done:\n{counted}" in done.replace(
        f"Import {Import.objects.get().id}", "Import 1"
    )
    assert done.splitlines()[-2] == "  1 dead letter"
    number = Import.objects.get().id
    assert "done" in said(capsys, "--list") and "1,200" in said(capsys, "--list")
    (row,) = map(json.loads, said(capsys, "--list", "--json").splitlines())
    assert (row["id"], row["events"], row["known"], row["state"]) == (number, 1200, 0, "done")
    assert said(capsys, "--undo", str(number)) == f"Import {number} of usage.jsonl is undone.\n"
    assert not Event.objects.exists()


def test_an_import_that_is_undone_on_the_page_meanwhile_is_not_called_done(path, capsys, monkeypatch):
    pressed = "usage.management.commands.importusage.run_all"
    monkeypatch.setattr(pressed, lambda files, tell: [job.change(state=Import.State.UNDOING) for job, _ in files] and 0)
    last = said(capsys, path).splitlines()[-1]
    assert last == f"Import {Import.objects.get().id} of usage.jsonl is being undone."


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


@pytest.mark.parametrize("state", ["uploading", "looking", "waiting", "undone", "refused"])
def test_what_has_no_events_is_not_undone(state):
    job = Import.objects.create(name="usage.jsonl", arrived=NOON, state=state)
    with pytest.raises(CommandError):
        call_command("importusage", "--undo", str(job.id))


def test_a_file_that_is_refused_does_not_stop_the_others(path, tmp_path, capsys):
    notes = tmp_path / "notes.txt"
    notes.write_text("nothing to import")
    with pytest.raises(CommandError) as refusal:
        call_command("importusage", notes, path, tmp_path / "absent")
    assert "Import" in capsys.readouterr().out and Event.objects.count() == 1200
    assert [line.partition(":")[0] for line in str(refusal.value).splitlines()] == [str(notes), f"{tmp_path}/absent"]


def test_a_file_that_is_given_twice_is_one_import(path, tmp_path, capsys):
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(path.read_bytes())
    said(capsys, path, copy, path)
    job = Import.objects.get()
    assert (job.events, job.known, job.dead, job.state) == (1200, 0, 1, "done")
    said(capsys, "--undo", str(job.id))
    assert not Event.objects.exists()


def test_dry_runs_go_on_behind_a_file_that_is_refused(path, tmp_path, capsys):
    with pytest.raises(CommandError, match="absent"):
        call_command("importusage", tmp_path / "absent", path, "--dry-run")
    assert capsys.readouterr().out.count("It would bring:") == 1


def test_what_a_file_says_does_not_steer_the_terminal(tmp_path, capsys):
    path = tmp_path / "a\x1b[2J.jsonl"
    path.write_bytes(record(NOON, model="\x1b]0;owned\x07") + b"\n")
    assert "\x1b" not in said(capsys, path) + said(capsys, "--list")
    path.write_bytes(b"nothing")
    with pytest.raises(CommandError) as refusal:
        call_command("importusage", path)
    assert "\x1b" not in str(refusal.value)


def test_a_database_that_fails_is_a_sentence_and_the_next_run_goes_on(path, monkeypatch, capsys):
    def full(*_):
        raise OperationalError("database or disk is full\nand more")

    with monkeypatch.context() as patched:
        patched.setattr("usage.imports.storing.ImportWriter.take", full)
        with pytest.raises(CommandError) as refusal:
            call_command("importusage", path)
    assert str(refusal.value) == "database or disk is full. What is stored stays: run it again when that is mended."
    assert "1,200 new events" in said(capsys, path) and Import.objects.count() == 1


def test_a_line_that_is_nested_deeply_is_a_dead_letter(path, capsys):
    path.write_bytes(path.read_bytes() + b'{"model": ' + b"[" * 100_000 + b"\n")
    assert "  2 dead letters" in said(capsys, path)


def test_a_reader_that_has_seen_enough_ends_it_quietly():
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "manage.py", "help"]
    done = subprocess.run(command, cwd=PROJECT, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert done.stderr == ""
