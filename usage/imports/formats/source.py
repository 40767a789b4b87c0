"""What a file to import is to the engine: items in file order, each of them a record as CPA sends it."""

from collections.abc import Iterator
from operator import attrgetter
from typing import NamedTuple

from django.utils.translation import gettext as _
from msgspec import structs

from usage.records.record import Malformed, Names, Record, line, parse
from usage.records.secrecy import LABEL

_names = attrgetter(*Names.__struct_fields__)
_TEXTS = [name for name in Names.__struct_fields__ if name != "failed"]
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
        """An error of the system as a refusal."""
        return error if isinstance(error, Refused) else cls("It cannot be read: %s.", error.strerror)


class Item(NamedTuple):
    """A request of a source. `position` is behind it: bytes of the unpacked text, or the id of a row."""

    position: int
    raw: bytes  # a record as CPA sends it; where there is an error, what could not be read
    cost: float | None = None  # the source's own figure, in US dollars
    error: str | None = None  # why it cannot be read: one sentence, which quotes nothing of it
    given: dict | None = None  # fields of the Record that the source has in place of keys, such as fingerprints

    def record(self, arrived: int) -> Record | None:
        """The item as a Record; None for a cue of CPA. `arrived` is the time of the import, in µs since the epoch.

        Raises Malformed for what is no record, or tells no time that can be believed: it happened at some other time.
        """
        if self.error:
            raise Malformed(self.error)
        record = parse(self.raw, arrived)
        if record is not None and record.timestamp == arrived:
            raise Malformed(_("It does not tell when it happened."))
        if record is None or not self.given:
            return record
        record = structs.replace(record, **_checked(self.given))
        record.names = _names(record)
        return record


def _checked(given):
    """Fields that a source has in place of keys, as a record has them. Raises Malformed for what it cannot have."""
    if len(given.get("fingerprint", bytes(16))) != 16:
        raise Malformed(_("Its event key is none of ours."))
    texts = {name: given[name] for name in _TEXTS if name in given}
    if not all(isinstance(text, str) for text in texts.values()):
        raise Malformed(_("A name in it is no text."))
    return given | {name: line(text, _LONGEST.get(name, LABEL)) for name, text in texts.items()}


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
    count: int | None = None  # events, where that is cheap to know
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
