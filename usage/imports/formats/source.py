"""What a file to import is to the engine: items in file order, each of them a record as CPA sends it."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from django.utils.translation import gettext as _

from usage.records import decoding
from usage.records.record import ORDINARY, Malformed, Names, Record, line, parse, record_of
from usage.records.secrecy import LABEL

_NAMES = Names.__struct_fields__
_TEXTS = {*_NAMES} - {"failed"}
_LONGEST = {"tier": 16} | {name: 64 for name in _TEXTS if name.endswith(("service_tier", "key", "mask"))}  # characters


class Refused(Exception):
    """A file that cannot be imported, or not to its end. The text is one clear sentence for people, without a path.

    `sentence` is its English, into which `values` go: it can be kept, and shown in another language.
    """

    def __init__(self, sentence: str, *values):
        super().__init__(_(sentence) % values if values else _(sentence))
        self.sentence, self.values = sentence, list(values)

    @classmethod
    def by(cls, error: "Refused | OSError") -> "Refused":
        """The refusal for an error of the operating system."""
        return error if isinstance(error, Refused) else cls("It cannot be read: %s.", error.strerror)


class Item(NamedTuple):
    """A request of a source. `position` is behind it: bytes of the unpacked text, or the id of a row."""

    position: int
    raw: bytes  # a record as CPA sends it; where there is an error, what could not be read
    cost: float | None = None  # the source's own figure, in US dollars
    error: str | None = None  # why it cannot be read: one sentence, which quotes nothing of it
    given: dict | None = None  # fields of the Record that the source has in place of keys, such as fingerprints
    sent: decoding.Item | None = None  # the record of `raw`, where the source has it in fields
    stored: Record | None = None  # the record itself, where the source has it as it was stored

    def record(self, arrived: int) -> Record | None:
        """The item as a Record; None for a cue of CPA. `arrived` is the time of the import, in µs since the epoch.

        Raises Malformed for what is no record, or tells no time that can be believed: it happened at some other time.
        """
        if self.error:
            raise Malformed(self.error)
        if self.stored:
            self.stored.arrived = arrived
            return self.stored
        if self.sent is None:
            record = parse(self.raw, arrived)
        else:
            record = record_of(self.sent, self.raw, arrived, (self.given or {}).get("fingerprint"))
        if record is not None and record.timestamp == arrived:
            raise Malformed(_("It does not tell when it happened."))
        if record is None or not self.given:
            return record
        return self._with_given(record)

    def _with_given(self, record):
        """The record with what is given. Raises Malformed for what it cannot have."""
        if len(self.given.get("fingerprint", bytes(16))) != 16:
            raise Malformed(_("Its event key is none of ours."))
        names = tuple([given for given in self.given.items() if given[0] in _TEXTS])
        changed = _changed if len(self.raw) <= ORDINARY else _changed.__wrapped__  # as parse() has it
        try:
            record.names, cleaned = changed(record.names, names)
        except TypeError:
            raise Malformed(_("A name in it is no text.")) from None
        for name, value in (self.given | cleaned).items():
            setattr(record, name, value)
        return record


@lru_cache(8192)
def _changed(names, given):
    """(names of a record with others in their place, one object for all records that share them; those others).

    Raises TypeError for one that is no text.
    """
    if not all(isinstance(value, str) for _name, value in given):
        raise TypeError
    cleaned = {name: clean(name, value) for name, value in given}
    return tuple((dict(zip(_NAMES, names, strict=True)) | cleaned).values()), cleaned


def clean(name: str, text: str) -> str:
    """A name as records have it."""
    return line(text, _LONGEST.get(name, LABEL))


class FoundPrice(NamedTuple):
    """A model's rates in a source, in US dollars per million tokens, its factor included."""

    model: str
    prompt: float
    completion: float
    cache_read: float | None  # None: that of the prompt
    cache_write: float | None


class FoundAlias(NamedTuple):
    """The name that a source has for a client's key."""

    fingerprint: str
    mask: str
    alias: str


class Source:
    """An opened file. Reading it raises Refused where it is damaged, cut off or changed meanwhile."""

    kind: str  # cpa-export, original, keeper, manager-plus, records, own-export or backup
    title: str
    position_of_end: int  # the last item's position; of compressed files an estimate
    newest_first = False  # the order of its items in time
    left_out: list[str]  # sentences: what the format has that is not taken over, or lacks

    def items(self, after: int = 0) -> Iterator[Item]:
        """The items behind a position, in file order and constant memory."""
        raise NotImplementedError

    def prices(self) -> list[FoundPrice]:
        """The rates that the source priced with."""
        return []

    def aliases(self) -> list[FoundAlias]:
        """The names that the source has for clients' keys."""
        return []
