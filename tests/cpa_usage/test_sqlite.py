"""SQLite as the project uses it: the backend's tables, and the write-ahead log."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection

from catalog.models import Connection
from cpa_usage.sqlite import wal
from tests.waiting import until


def ask(database, sql):
    with database.cursor() as cursor:
        return cursor.execute(sql).fetchall()


@pytest.mark.sqlite
@pytest.mark.django_db
def test_tables_with_a_key_of_several_columns_are_kept_in_its_order(settings):
    assert settings.DATABASES["default"]["ENGINE"] == "cpa_usage.sqlite"
    tables = dict(ask(connection, "SELECT name, wr FROM pragma_table_list WHERE schema = 'main'"))
    assert (tables["usage_quarter"], tables["usage_event"]) == (1, 0)


@pytest.mark.sqlite
@pytest.mark.django_db
def test_a_commit_reaches_the_disk():
    """A record that was popped exists nowhere else: FULL, in every process."""
    assert ask(connection, "PRAGMA synchronous") == [(2,)]
    assert ask(connection, "PRAGMA journal_mode") == [("wal",)]


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_another_process_that_truncates_the_log_is_waited_for(monkeypatch):
    """SQLite itself does not wait: two writers would keep each other from it, and the log would grow."""
    monkeypatch.setattr(wal, "LARGE_BYTES", 1)
    monkeypatch.setattr(wal, "WAIT_MS", 20_000)
    path = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(path, check_same_thread=False)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM catalog_connection").fetchall()
        Connection.objects.create(pk=1)
        other = threading.Thread(target=checkpoint, args=(path,))  # waits for the reader
        other.start()
        until(lambda: ask(connection, "PRAGMA wal_checkpoint(PASSIVE)")[0][1] == wal.BUSY)
        threading.Timer(0.1, reader.rollback).start()
        assert wal.cut_back()
        assert Path(f"{path}-wal").stat().st_size == 0
        other.join()


def checkpoint(path):
    """Truncates the log; begins again when it met the test's own look at it, for which SQLite does not wait."""
    with closing(sqlite3.connect(path, timeout=30)) as database:
        while database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[1] == wal.BUSY:
            pass


@pytest.mark.sqlite
def test_a_new_connection_does_not_wait_for_the_one_who_writes(transactional_db):
    """As a page's does, while a migration or a rebuild holds the write lock."""
    writer, reader = connection.copy("writer"), connection.copy("reader")
    reader.settings_dict = {**reader.settings_dict, "OPTIONS": {**reader.settings_dict["OPTIONS"], "timeout": 0.1}}
    writer.cursor().execute("BEGIN IMMEDIATE")
    try:
        with reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM usage_event")
            assert cursor.fetchone() == (0,)
    finally:
        writer.close()
        reader.close()
