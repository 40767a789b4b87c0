"""Which format a file has: known by its content, never by its name."""

import codecs
import re
import stat
from itertools import islice
from pathlib import Path

from django.utils.translation import gettext as _

from usage.imports.formats.backup import Backup
from usage.imports.formats.databases import Keeper, Original
from usage.imports.formats.jsonlines import ManagerPlus, Own, OwnCsv, Records, fields_of, header_of
from usage.imports.formats.legacy import LegacyExport
from usage.imports.formats.source import Refused, Source
from usage.imports.formats.sqlite import Database
from usage.imports.formats.text import TextFile

HEAD = 1 << 16
TRIED = 20  # lines: the first ones may be damaged
SQLITE = b"SQLite format 3\0"
ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"7z\xbc\xaf", b"\xfd7zXZ", b"(\xb5/\xfd", b"BZh", b"Rar!", b"PAR1")
LEGACY = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{[^{}]*"usage"\s*:\s*\{[^{}]*"apis"\s*:')


def open_source(path: Path) -> Source:
    """The source that a file is; nothing of a text but its beginning is read. Raises Refused."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Refused(_("It is a folder.") if stat.S_ISDIR(status.st_mode) else _("It is no file."))
        with path.open("rb") as stream:
            begin = stream.read(20)
    except OSError as error:
        raise Refused(_("It cannot be read: %s."), error.strerror) from None
    if begin.startswith(ARCHIVES):
        raise Refused(_("It is an archive, a spreadsheet or Parquet: unpack it, or bring JSON Lines or CSV."))
    if not begin.startswith(SQLITE):
        return _text(TextFile(path, status, begin))
    source = _database(Database(path))
    # So its header says that it is written with a separate log.
    if begin[18:] == b"\2\2" and not path.with_name(f"{path.name}-wal").exists():
        sentence = _(
            "If this file was copied while its program was running, it may lack the last requests: stop the program and"
            " copy it again, copy the -wal file too, or let the program or “sqlite3 … .backup” make the copy."
        )
        source.left_out = [*source.left_out, sentence]
    return source


def _database(database):
    if "usage_drainstate" in database.tables:
        return Backup(database)
    events = database.tables.get("usage_events", set())
    if "event_hash" in events:
        raise Refused(_("It is the database of CPA-Manager-Plus: export its usage there, and import that."))
    if "api_group_key" in events:
        return Original(database) if "api_key" in events else Keeper(database)
    raise Refused(_("It is the database of another program."))


def _text(file):
    with file.opened() as stream:
        head = stream.read(HEAD)
    _refuse_foreign(head)
    if LEGACY.match(head):
        return LegacyExport(file)
    for _position, line in islice(file.lines(), TRIED):
        names = (fields_of(line.removeprefix(codecs.BOM_UTF8)) or {}).keys()
        for reader in (ManagerPlus, Own, Records):
            if reader.needed <= names:
                return reader(file)
        _refuse_incomplete(names)
    columns = set(header_of(head.split(b"\n", 1)[0]))
    _refuse_incomplete(columns)
    if Own.needed <= columns:
        return OwnCsv(file)
    raise Refused(_("It is no export of usage that is known here."))


def _refuse_foreign(head):
    """Refuse what is no text in UTF-8; its last character may be cut in two."""
    if not head.strip():
        raise Refused(_("It is empty."))
    if head.startswith(SQLITE):
        raise Refused(_("It is a compressed database: unpack it first."))
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head.replace(b"\0", b"\xff"))
    except UnicodeError:
        raise Refused(_("Its text is in another character set: save it as UTF-8 first.")) from None


def _refuse_incomplete(names):
    missing = ", ".join(sorted(Own.needed - names))
    if "event_key" in names and missing:
        raise Refused(_("It is our own export without %s: export it again with all columns."), missing)
