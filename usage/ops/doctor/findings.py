"""The result of one check of the doctor."""

from collections.abc import Callable
from typing import NamedTuple


class Finding(NamedTuple):
    """One check: a sentence that says how it is and, when it is not well, what to do; `cure` does that."""

    name: str
    well: bool
    sentence: str
    cure: Callable[[], object] | None = None
