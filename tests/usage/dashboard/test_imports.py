"""The page of imports: pieces of a file, what it holds, importing and undoing by tasks."""

import ast
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from django.utils.translation import gettext, override
from django_q.models import OrmQ

import usage.tasks
from tests.usage.made import NOON, SECOND, record, totals
from usage.imports import formats, tasks
from usage.models import Event, Import
from usage.models.imports import ImportQuerySet
from usage.rollups.check import check

pytestmark = pytest.mark.django_db
PATH = "/system/import/"
RECORDS = b"".join(record(NOON + n * SECOND) + b"\n" for n in range(50))


@pytest.fixture(autouse=True)
def data(settings, tmp_path):
    settings.USAGE_RETENTION_DAYS = 0
    settings.SQLITE_PATH = tmp_path / "app.db"
    return tmp_path


def piece(client, content, **fields):
    return client.post(f"{PATH}upload/", {"file": SimpleUploadedFile("usage.jsonl", content), **fields})


def words(reply):
    """What a page says, without its markup."""
    return " ".join(re.sub(r"<[^>]*>", " ", reply.text).split())


def run_tasks():
    """Run what is queued, as the cluster does."""
    while queued := OrmQ.objects.order_by("pk").first():
        task = queued.task
        queued.delete()
        if task["func"].startswith("usage.imports"):
            getattr(tasks, task["func"].rpartition(".")[2])(*task["args"])


def uploaded(client, content=RECORDS):
    assert piece(client, content).headers["Location"].endswith(PATH)
    run_tasks()
    return Import.objects.first()


def test_a_file_is_uploaded_looked_at_imported_and_undone(client, data):
    half = len(RECORDS) // 2
    first = piece(client, RECORDS[:half], offset=0, size=len(RECORDS))
    job = first.text
    page = client.get(PATH).text
    assert "being uploaded" in page and 'value="0.500"' in page and not OrmQ.objects.exists()
    again = piece(client, RECORDS[:half], offset=0, size=len(RECORDS), job=job)
    assert (again.status_code, again.text) == (400, "offset: This is not the next piece of the file.")
    assert piece(client, RECORDS[half:], offset=half, size=len(RECORDS), job=job).text == job
    (file,) = (data / "imports").iterdir()
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (RECORDS, 0o600)
    assert "being looked at" in client.get(PATH).text
    run_tasks()
    page = client.get(PATH)
    assert "your decision" in page.text
    assert "records as CPA sends them" in page.text and "2026-11-24" in page.text and not Event.objects.exists()
    assert client.post(f"{PATH}{job}/run/").status_code == 302
    assert "under way" in client.get(PATH).text
    run_tasks()
    assert totals()["requests"] == 50 and list(check()) == []
    assert not list((data / "imports").iterdir())
    done = words(client.get(PATH))
    assert "done" in done and "50 events 2026-11-24 – 2026-11-24 1 model · 1 client key" in done
    assert "50 events go, from every total too." in done
    assert client.post(f"{PATH}{job}/undo/").status_code == 302
    assert "<progress aria-label=" in client.get(PATH).text  # how far it is, is not known
    run_tasks()
    assert not Event.objects.exists() and totals() == {}
    undone = words(client.get(PATH))
    assert "Undone 50 events" in undone and "New 50" not in undone
    assert "Removed from the list" in client.post(f"{PATH}{job}/remove/", follow=True).text
    assert not Import.objects.exists()


def test_an_import_is_done_in_slices(client, monkeypatch):
    monkeypatch.setattr("usage.imports.looking.ITEMS_AT_ONCE", 10)
    monkeypatch.setattr(tasks, "SLICE_SECONDS", 0)
    job = uploaded(client)
    client.post(f"{PATH}{job.id}/run/")
    OrmQ.objects.all().delete()
    assert tasks.go_on(job.id) == "goes on" and Event.objects.count() == 10
    assert 'value="0.200"' in client.get(PATH).text
    run_tasks()
    assert Event.objects.count() == 50


def test_a_refused_or_discarded_file_is_gone(client, data):
    refused = uploaded(client, b"nothing to import")
    assert (refused.state, refused.path) == ("refused", "")
    shown = words(client.get(PATH))
    assert refused.reason in shown and "New 0" not in shown and "$0" not in shown
    job = uploaded(client)
    client.post(f"{PATH}{job.id}/discard/")
    assert not list((data / "imports").iterdir()) and Import.objects.count() == 1
    for verb in ("run", "look", "undo", "discard", "remove", "eat"):
        assert "no such import" in client.post(f"{PATH}{job.id}/{verb}/", follow=True).text
    client.post(f"{PATH}{refused.id}/remove/")
    assert not Import.objects.exists()


@pytest.mark.parametrize("verb", ["run", "undo"])
def test_what_has_events_stays_in_the_list(client, verb):
    job = uploaded(client)
    client.post(f"{PATH}{job.id}/run/")
    if verb == "undo":
        run_tasks()
        client.post(f"{PATH}{job.id}/undo/")
    for deletes in ("remove", "discard"):
        assert "no such import" in client.post(f"{PATH}{job.id}/{deletes}/", follow=True).text
    assert Import.objects.exists()


def discarding(client, monkeypatch, name, when):
    """Replace a step of a look by one that is discarded before it, or after it."""
    step = getattr(tasks, name)

    def discarded(*args):
        done = step(*args) if when == "after" else None
        client.post(f"{PATH}{Import.objects.get().id}/discard/")
        return done or step(*args)

    monkeypatch.setattr(tasks, name, discarded)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", ["open_source", "look", "preview", "digest_of"])
def test_a_file_can_be_discarded_at_every_moment_of_its_look(client, data, monkeypatch, name, when):
    piece(client, RECORDS)
    discarding(client, monkeypatch, name, when)
    assert tasks.look_at(Import.objects.get().id) == tasks.DISCARDED
    assert not Import.objects.exists() and not list((data / "imports").iterdir())
    assert tasks.look_at(7) == tasks.DISCARDED and tasks.go_on(7) == tasks.take_back(7) == "nothing to do"


def test_a_discarded_file_is_not_read_to_its_end(client, monkeypatch):
    piece(client, RECORDS)
    monkeypatch.setattr("usage.imports.looking.ITEMS_AT_ONCE", 10)
    shown, update = [], ImportQuerySet.update

    def noted(jobs, **fields):
        if "end" in fields and len(shown) == 7:
            client.post(f"{PATH}{Import.objects.get().id}/discard/")
        count = update(jobs, **fields)
        if count:
            shown.append(fields["position"] / fields["end"])
            assert f'value="{shown[-1]:.3f}"' in client.get(PATH).text
        return count

    monkeypatch.setattr(ImportQuerySet, "update", noted)
    assert tasks.look_at(Import.objects.get().id) == tasks.DISCARDED
    assert shown == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], abs=0.01)


def test_a_preview_says_when_it_is_out_of_date(client):
    older, job = uploaded(client), uploaded(client)
    shown = words(client.get(PATH))
    assert len(re.findall(r"Checked at \d+ \w{3} 20", shown)) == shown.count("New 50") == 2 and "ook again" not in shown
    client.post(f"{PATH}{job.id}/run/")
    run_tasks()
    stale = client.get(PATH).text
    assert "Another import has ended since: check again." in stale and f'action="/usage{PATH}{older.id}/look/"' in stale
    client.post(f"{PATH}{older.id}/look/")
    run_tasks()
    shown = words(client.get(PATH))
    assert "look again" not in shown and "New 0 Stored before 50" in shown


def test_an_upload_that_was_left_midway_goes_after_a_day(client, monkeypatch):
    monkeypatch.setattr("usage.tasks.expire", lambda: None)
    piece(client, RECORDS[:9], offset=0, size=len(RECORDS))
    done, midway = uploaded(client), Import.objects.last()
    usage.tasks.retention()
    assert Import.objects.count() == 2
    Import.objects.update(begun_at=timezone.now() - timedelta(hours=25))
    usage.tasks.retention()
    assert Import.objects.get() == done and not Path(midway.path).exists() and Path(done.path).exists()


def test_a_long_list_has_pages(client):
    Import.objects.bulk_create(Import(name=f"file-{n:02d}", arrived=0, state="undone") for n in range(31))
    first, second = client.get(PATH).text, client.get(f"{PATH}?page=2").text
    assert "file-30" in first and "file-00" not in first and "1–30 of 31" in first
    assert "file-00" in second and "file-30" not in second


def test_the_page_speaks_chinese(client):
    uploaded(client)
    uploaded(client, b'{"event_key": "1"}\n')
    uploaded(client, b"nothing")
    shown = client.get(PATH, headers={"Accept-Language": "zh-CN"}).text
    for sentence in ("CPA 发送的记录", "缺少 ", "不是已知的用量导出文件。", "待您决定"):
        assert sentence in shown
    for sentence in ("records as CPA", "It is", "your decision"):
        assert sentence not in shown
    with override("zh-hans"):
        assert (
            Import(reason="The file is cut off or damaged, near byte %d.", found={"values": [8]}).why
            == "文件不完整或已损坏，位于第 8 字节附近。"
        )
        assert [text for text in texts_of_formats() if gettext(text) == text] == []


def test_a_file_that_goes_while_it_is_imported_is_refused_in_the_readers_language(client):
    job = uploaded(client)
    client.post(f"{PATH}{job.id}/run/")
    Path(job.path).unlink()
    run_tasks()
    assert "It cannot be read: No such file or directory." in client.get(PATH).text
    assert "无法读取：No such file or directory。" in client.get(PATH, headers={"Accept-Language": "zh-CN"}).text


def texts_of_formats():
    """The sentences in the sources of the formats: those in `_()` and `gettext_lazy()`."""
    for path in Path(formats.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"_", "gettext_lazy"}:
                yield from (text.value for text in node.args if isinstance(text, ast.Constant))


def test_a_refusal_is_shown_in_the_form(client):
    chinese = {"headers": {"Accept-Language": "zh-CN"}}
    empty = client.post(f"{PATH}upload/", {"file": SimpleUploadedFile("a", b"")}, follow=True, **chinese)
    assert empty.redirect_chain and "file: 提交的是空文件。" in empty.text
    script = client.post(f"{PATH}upload/", {"file": SimpleUploadedFile("a", b""), "size": 0}, **chinese)
    assert (script.status_code, script.headers["Content-Type"]) == (400, "text/plain; charset=utf-8")
    assert script.text == "file: 提交的是空文件。"


def test_what_is_no_piece_of_a_file(client, settings, data):
    assert client.post(f"{PATH}upload/", {"size": 1}).status_code == 400
    large = piece(client, b"x", size=settings.IMPORT_MAX_BYTES + 1)
    assert (large.status_code, large.text.partition(":")[0]) == (400, "size")
    assert piece(client, b"xx", size=1).status_code == 400
    assert piece(client, b"x", offset=5, size=9).status_code == 400
    assert piece(client, b"x", offset=0, size=9, job=99).status_code == 400
    assert not Import.objects.exists() and not (data / "imports").exists()
    assert client.get(f"{PATH}upload/").status_code == 405


def test_only_who_is_signed_in_may_import(settings, client):
    settings.AUTH_ENABLED, settings.LOGIN_PASSWORD = True, "secret"
    for address in (f"{PATH}upload/", f"{PATH}1/undo/", f"{PATH}1/run/"):
        assert "/login/" in client.post(address).headers["Location"]
    assert not Import.objects.exists()
    settings.AUTH_ENABLED = False
    assert piece(Client(enforce_csrf_checks=True), RECORDS).status_code == 403


def test_the_page_is_found_from_the_system_page(client):
    assert PATH in client.get("/system/").text
    (current,) = re.findall('<a href="([^"]*)" aria-current="page"', client.get(PATH).text)
    assert "/system/?" in current
    assert "Nothing has been imported yet." in client.get(PATH).text
