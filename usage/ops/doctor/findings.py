"""The result of one check of the doctor."""

from collections.abc import Callable
from typing import NamedTuple


class Finding(NamedTuple):
    """One check: a sentence that says how it is and, when it is not well, what to do; `cure` does that."""

    name: str
    well: bool
    sentence: str
    cure: Callable[[], object] | None = None


def verdict(name: str, wrong: str, well: str, cure: Callable[[], object] | None = None) -> Finding:
    """The finding of a check that says what is `wrong`, or '' when it is well."""
    return Finding(name, not wrong, wrong or well, cure)
