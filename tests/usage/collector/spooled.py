"""What is in a spool."""

from pathlib import Path

from usage.collector.draft import Draft
from usage.collector.framing import found_in
from usage.collector.spool import Spool


def append(spool: Spool, arrived: int, items: list[bytes]) -> Path:
    """A batch of its own for `items`."""
    draft = Draft(spool)
    draft.add([(arrived, raw) for raw in items])
    draft.seal()
    return spool.pending()[-1]


def files(folder: Path) -> list[Path]:
    """Whole batches, and those in the making."""
    return [*folder.glob("*.batch"), *folder.glob("*.part")]


def left_in(folder: Path) -> list[bytes]:
    """The raw records that a drain, dead or halted, has in its spool."""
    found = [found_in(path.read_bytes(), int(path.stem))[0] for path in files(folder)]
    return [raw for records in found for _, raw in records if not raw.startswith(b"Damaged")]


def batches(spool: Spool) -> list[list[bytes]]:
    """The raw records of each batch that waits, oldest first."""
    return [[raw for _, raw in spool.read(path)] for path in spool.pending()]
