"""What cannot be imported is refused in one sentence."""

import gzip
import io
import json
import os
import sqlite3
import zipfile

import pytest

from tests.usage.imports.formats.samples import FOLDER, records_of, sample, written
from tests.usage.made import NOON, record
from usage.imports.formats import Refused, open_source, text

LINE = record(NOON) + b"\n"
LEGACY = (FOLDER / "legacy-export.json").read_bytes()


def archive():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("records.jsonl", LINE)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "It is empty."),
        (b" \n\n", "It is empty."),
        (b"hello\n" * 100, "It is no export of usage that is known here."),
        (b'{"a": 1}\n', "It is no export of usage that is known here."),
        (b"[1, 2]", "It is no export of usage that is known here."),
        (b"a,b\rc,d\n", "It is no export of usage that is known here."),
        (b"day,cost\n2026-11-24,3\n", "It is no export of usage that is known here."),
        (LINE.decode().encode("utf-16"), "another character set"),
        (record(NOON).replace(b"ann@", "änn@".encode("latin-1")) + b"\n", "another character set"),
        (archive(), "It is an archive"),
        (b"PAR1" + bytes(100), "or Parquet"),
        (LINE + LINE[:-40], "The file is cut off: its last line"),
        (LEGACY[:1000], "The file is cut off or damaged, near byte 847."),
        (LEGACY[:1500] + b"}" + LEGACY[1500:], "The file is cut off or damaged"),
        (gzip.compress(LINE * 100, mtime=0)[:-20], "The compressed file is cut off or damaged."),
        (gzip.compress(LINE, mtime=0)[:12] + b"\xff" * 30, "The compressed file is cut off or damaged."),
        (gzip.compress(b"SQLite format 3\0" + bytes(2000), mtime=0), "It is a compressed database"),
        (b"SQLite format 3\0" + b"\xff" * 5000, "The database"),
        (
            b'{"event_key": "1-a", "timestamp": "", "model": "m"}\n',
            "our own export without api_group_key, cache_creation",
        ),
        (b"event_key,timestamp\r\n", "our own export without api_group_key, cache_creation"),
    ],
)
def test_a_file_is_refused_in_a_sentence(tmp_path, content, sentence):
    with pytest.raises(Refused) as refused:
        records_of(written(tmp_path, content))
    assert sentence in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, sentence in (
        (tmp_path, "It is a folder."),
        (tmp_path / "pipe", "It is no file."),
        (tmp_path / "missing", "It cannot be read: No such file or directory."),
    ):
        with pytest.raises(Refused, match=sentence):
            open_source(path)


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "HARMLESS", 1 << 20)
    bomb = written(tmp_path, gzip.compress(LINE * 20_000))
    with pytest.raises(Refused, match="far more than usage"):
        records_of(bomb)


def test_a_line_without_end_is_not_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "LONGEST", 10_000)
    with pytest.raises(Refused, match="A line is longer"):
        records_of(written(tmp_path, LINE + b"x" * 20_000))


@pytest.mark.parametrize("content", [LINE * 3, LEGACY])
def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path, content):
    path = written(tmp_path, content)
    items = open_source(path).items()
    next(items)
    with path.open("ab") as file:
        file.write(b"\n")
    with pytest.raises(Refused, match="It changed while it was read"):
        list(items)


def test_databases_of_others_are_told_apart(tmp_path):
    for table, sentence in (
        ("users (id, timestamp)", "another program"),
        ("usage_events (id, event_hash)", "CPA-Manager-Plus"),
        ("usage_drainstate (id)", "no such table: django_migrations"),
    ):
        path = tmp_path / table.split()[0]
        with sqlite3.connect(path) as connection:
            connection.execute(f"CREATE TABLE {table}")
        with pytest.raises(Refused, match=sentence):
            open_source(path)


def test_a_database_of_an_unknown_version_is_refused(tmp_path):
    path = sample("keeper.db", tmp_path)
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE usage_events RENAME COLUMN total_tokens TO sum")
    with pytest.raises(Refused, match="unknown version"):
        open_source(path)


@pytest.mark.parametrize("name", ["cpa-usage.db", "keeper.db"])
def test_a_database_that_is_cut_off_or_damaged_is_refused(tmp_path, name):
    content = sample(name, tmp_path).read_bytes()
    damaged = bytearray(content)
    for page in range(40, len(content) // 4096):
        damaged[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    for broken in (content[: len(content) // 2], bytes(damaged)):
        with pytest.raises(Refused, match="The database"):
            records_of(written(tmp_path, broken, "broken"))


def test_a_database_whose_schema_is_no_text_is_refused(tmp_path):
    content = sample("keeper.db", tmp_path).read_bytes().replace(b"ON DELETE CASCADE", b"ON DE\x92ETE CASCADE")
    with pytest.raises(Refused, match="The database is damaged"):
        open_source(written(tmp_path, content))


def test_a_database_that_is_written_to_while_it_is_read_is_refused(tmp_path):
    path = sample("keeper.db", tmp_path)
    items = open_source(path).items()
    next(items)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE usage_events SET total_tokens = 1")
    connection.close()
    with pytest.raises(Refused, match=r"It changed|The database"):
        list(items)


def test_refusals_name_no_key(tmp_path):
    line = json.dumps({"api_key": "sk-secret-client-key-1234", "x": 1}).encode()
    with pytest.raises(Refused) as refused:
        open_source(written(tmp_path, line * 2))
    assert "sk-" not in str(refused.value)
