"""A database file that is deleted or replaced while a process has it open, and its log."""

import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from django.db import OperationalError, connection, transaction

from catalog.models import Connection
from cpa_usage.sqlite import wal
from cpa_usage.sqlite.base import DatabaseWrapper
from tests.waiting import until


@pytest.fixture
def database(db, settings, tmp_path):
    """A connection of its own to a file with one table."""
    given = {**settings.DATABASES["default"], "ENGINE": "cpa_usage.sqlite", "NAME": tmp_path / "app.db"}
    given |= {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True, "AUTOCOMMIT": True, "TIME_ZONE": None}
    wrapper = DatabaseWrapper({**given, "OPTIONS": {"transaction_mode": "IMMEDIATE"}}, "probe")
    ask(wrapper, "PRAGMA journal_mode=WAL")
    ask(wrapper, "CREATE TABLE told (word text)")
    ask(wrapper, "INSERT INTO told VALUES ('old')")
    yield wrapper
    wrapper.close()


def ask(database, sql):
    with database.cursor() as cursor:
        return cursor.execute(sql).fetchall()


def replace(database, word):
    """Another file takes the name, as a restored backup does."""
    path = database.settings_dict["NAME"]
    ask(database, "PRAGMA wal_checkpoint(TRUNCATE)")
    draft = shutil.copy(path, path.with_suffix(".draft"))
    other = DatabaseWrapper({**database.settings_dict, "NAME": draft}, "other")
    ask(other, f"UPDATE told SET word = '{word}'")
    other.close()
    draft.rename(path)


def test_a_request_goes_over_to_the_file_that_replaced_the_open_one(database):
    replace(database, "new")
    assert ask(database, "SELECT word FROM told") == [("old",)]
    database.close_if_unusable_or_obsolete()  # as Django does when a request begins
    assert ask(database, "SELECT word FROM told") == [("new",)]


def test_an_untouched_file_stays_open(database):
    ask(database, "SELECT 1")
    before = database.connection
    for _ in range(2):
        database.close_if_unusable_or_obsolete()
        ask(database, "SELECT 1")
    assert database.connection is before


def test_nothing_is_committed_to_a_file_that_lost_its_name(database):
    database.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    ask(database, "UPDATE told SET word = 'lost'")
    replaced = database.settings_dict["NAME"].rename(database.settings_dict["NAME"].with_suffix(".moved"))
    with pytest.raises(OperationalError, match=r"app\.db was replaced"):
        database.commit()
    database.rollback()
    replaced.rename(database.settings_dict["NAME"])
    assert ask(database, "SELECT word FROM told") == [("old",)]


def test_no_transaction_begins_in_a_file_that_lost_its_name_and_the_next_one_is_in_the_new(database):
    replace(database, "new")
    with pytest.raises(OperationalError, match=r"app\.db was replaced"):
        database.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    database.close_if_unusable_or_obsolete()
    assert ask(database, "SELECT word FROM told") == [("new",)]


def test_a_deleted_file_is_not_made_anew(database):
    path = database.settings_dict["NAME"]
    path.unlink()
    database.close_if_unusable_or_obsolete()
    with pytest.raises(OperationalError, match=r"app\.db is gone"):
        ask(database, "SELECT 1")
    assert not path.exists()


@pytest.mark.django_db(transaction=True)
def test_the_project_uses_it(settings):
    if settings.DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
        assert settings.DATABASES["default"]["ENGINE"] == "cpa_usage.sqlite"
        assert settings.DATABASES["default"]["CONN_HEALTH_CHECKS"] is True
        with transaction.atomic():
            pass


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_log_that_somebody_else_cuts_back_is_waited_for(monkeypatch):
    """SQLite itself does not: who went on writing would keep the other from it, and the log would grow."""
    monkeypatch.setattr(wal, "LARGE_BYTES", 1)
    monkeypatch.setattr(wal, "PATIENCE_MS", 20_000)
    path = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(path, check_same_thread=False)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM catalog_connection").fetchall()
        Connection.objects.create(pk=1)
        other = threading.Thread(target=checkpoint, args=(path,))  # waits for the reader
        other.start()
        until(lambda: ask(connection, "PRAGMA wal_checkpoint(PASSIVE)")[0][1] == wal.SOMEBODY_ELSE)
        threading.Timer(0.1, reader.rollback).start()
        assert wal.cut_back()
        assert Path(f"{path}-wal").stat().st_size == 0
        other.join()


def checkpoint(path):
    with closing(sqlite3.connect(path, timeout=30)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
