"""Files of other collectors, made by them from the same 400 records, and what the tests ask of their readers."""

import gzip
from pathlib import Path

from tests import FIXTURES
from tests.usage.made import DAY, NOON
from usage.imports.formats import Source, open_source
from usage.records.record import Malformed, Record

FOLDER = FIXTURES / "import"
NOW = NOON + DAY  # of the import
TOKENS = (
    *("uncached", "cache_read", "cache_write", "cache_write_1h", "cache_write_unspecified"),
    *("output", "reasoning", "unclassified", "total"),
)


def sample(name: str, folder: Path) -> Path:
    """One of the files, unpacked into a folder."""
    path = folder / name
    path.write_bytes(gzip.decompress((FOLDER / f"{name}.gz").read_bytes()))
    return path


def written(folder: Path, content: bytes, name: str = "file") -> Path:
    """A file of this content."""
    (folder / name).write_bytes(content)
    return folder / name


def records_of(source: Source | Path) -> list[Record]:
    """The records of a source, all of them sound."""
    source = open_source(source) if isinstance(source, Path) else source
    return [item.record(NOW) for item in source.items()]


def errors_of(path: Path) -> list[str]:
    """Why items of a file are no records."""
    found = []
    for item in open_source(path).items():
        try:
            item.record(NOW)
        except Malformed as error:
            found.append(str(error))
    return found


def fields(record: Record, without: tuple[str, ...] = ()) -> dict:
    """What is known of a record, but for what follows from its bytes and its import."""
    own = {"names", "fingerprint", "arrived", "response_headers", *without}
    return {name: getattr(record, name) for name in record.__struct_fields__ if name not in own}
