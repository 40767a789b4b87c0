"""What is in a spool."""

from pathlib import Path

from usage.collector.draft import Draft
from usage.collector.spool import Spool


def append(spool: Spool, arrived: int, items: list[bytes]) -> Path:
    """A batch of its own for `items`."""
    draft = Draft(spool)
    draft.add([(arrived, raw) for raw in items])
    draft.seal()
    return spool.pending()[-1]


def batches(spool: Spool) -> list[list[bytes]]:
    """The raw records of each batch that waits, oldest first."""
    return [[raw for _, raw in spool.read(path)] for path in spool.pending()]
