"""Names of fields in records that we do not know: a newer CPA may tell there what a cost depends on.

Only names are kept, never values, and only of a sample: a CPA whose every record has a new field must not be slower.
"""

import re
from collections.abc import Iterable

from usage.records.secrecy import masked

FIRST, EVERY = 100, 1000  # the records with such fields that are looked through: the first ones, then one in a thousand
MOST, LONGEST = 50, 64
IDENTIFIER = re.compile(r"(?:tokens\.)?[A-Za-z][A-Za-z0-9]{0,19}(?:_[A-Za-z0-9]{1,20})*")  # words too short for a key


class UnknownFields:
    """A small set of names, filled as records are read."""

    def __init__(self):
        self.names: set[str] = set()
        self._met = 0

    def wants_next(self) -> bool:
        """Count one more record with unknown fields; whether it is to be looked through."""
        self._met += 1
        return len(self.names) < MOST and (self._met <= FIRST or self._met % EVERY == 0)

    def add(self, names: Iterable[str]):
        """Keep the names that look like names of fields, while there is room."""
        for name in names:
            if len(self.names) < MOST and IDENTIFIER.fullmatch(name) and masked(name, ()) == name:
                self.names.add(name[:LONGEST])


unknown_fields = UnknownFields()  # of this process
