"""The page of imports: pieces of a file, what it holds, importing and undoing by tasks."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django_q.models import OrmQ

from tests.usage.made import NOON, SECOND, record, totals
from usage.imports import tasks
from usage.models import Event, Import
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
    assert "The file is being uploaded" in client.get(PATH).text and not OrmQ.objects.exists()
    again = piece(client, RECORDS[:half], offset=0, size=len(RECORDS), job=job)
    assert (again.status_code, again.text) == (400, "offset: This is not the next piece of the file.")
    assert piece(client, RECORDS[half:], offset=half, size=len(RECORDS), job=job).text == job
    (file,) = (data / "imports").iterdir()
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (RECORDS, 0o600)
    run_tasks()
    page = client.get(PATH)
    assert "records as CPA sends them" in page.text and "2026-11-24" in page.text and not Event.objects.exists()
    assert client.post(f"{PATH}{job}/run/").status_code == 302
    assert "under way" in client.get(PATH).text
    run_tasks()
    assert totals()["requests"] == 50 and list(check()) == []
    assert not list((data / "imports").iterdir())
    assert "done" in client.get(PATH).text
    assert client.post(f"{PATH}{job}/undo/").status_code == 302
    run_tasks()
    assert not Event.objects.exists() and totals() == {}
    assert "undone" in client.get(PATH).text


def test_an_import_is_done_in_slices(client, monkeypatch):
    monkeypatch.setattr("usage.imports.looking.ITEMS_AT_ONCE", 10)
    monkeypatch.setattr(tasks, "SLICE_SECONDS", 0)
    job = uploaded(client)
    client.post(f"{PATH}{job.id}/run/")
    OrmQ.objects.all().delete()
    assert tasks.go_on(job.id) == "goes on" and Event.objects.count() == 10
    assert 'value="0.2' in client.get(PATH).text
    run_tasks()
    assert Event.objects.count() == 50


def test_a_refused_or_discarded_file_is_gone(client, data):
    refused = uploaded(client, b"nothing to import")
    assert (refused.state, refused.path) == ("refused", "")
    assert refused.reason in client.get(PATH).text
    job = uploaded(client)
    client.post(f"{PATH}{job.id}/discard/")
    assert not list((data / "imports").iterdir()) and Import.objects.count() == 1
    assert "no such import" in client.post(f"{PATH}{job.id}/run/", follow=True).text


def test_what_is_no_piece_of_a_file(client, settings, data):
    assert client.post(f"{PATH}upload/").status_code == 400
    large = piece(client, b"x", size=settings.IMPORT_MAX_BYTES + 1)
    assert (large.status_code, large.text.partition(":")[0]) == (400, "size")
    assert piece(client, b"xx", size=1).status_code == 400
    assert piece(client, b"x", offset=5, size=9).status_code == 400
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
    assert "Nothing has been imported yet." in client.get(PATH).text
