"""One batch of raw records, read: what can be stored, what cannot, and what was only a cue."""

from hashlib import blake2b

from usage.models import DeadLetter
from usage.records import record as records
from usage.records.decoding import DAMAGED

LOST_TO_THE_DISK = "Damaged on the disk: no try can read it again. Look at the disk, and remove this."


class Parsed:
    """A batch read: its records once each, its dead letters, and whether CPA said that its configuration changed."""

    def __init__(self, batch):
        self.records, self.dead, self.refresh, self.raw = [], [], False, {}
        for arrived, raw in batch:
            try:
                record = records.parse(raw, arrived)
            except records.Malformed as error:
                reason = LOST_TO_THE_DISK if raw.startswith(DAMAGED) else str(error)
                self.dead.append(dead_letter(raw, arrived, DeadLetter.Kind.MALFORMED, reason))
                continue
            if record is None:
                self.refresh = self.refresh or records.is_refresh(raw)
            else:
                self.records.append(record)
                self.raw[record.fingerprint] = raw


def dead_letter(raw: bytes, arrived: int, kind: str, reason: str) -> DeadLetter:
    """An unsaved dead letter; one raw record makes one, however often it comes."""
    fingerprint = blake2b(raw.strip(), digest_size=16).digest()
    return DeadLetter(fingerprint=fingerprint, raw=raw, kind=kind, reason=reason[:500], arrived=arrived)


def late_letter(record, raw: dict[bytes, bytes]) -> DeadLetter:
    """The dead letter of a record whose day retention has closed."""
    reason = "Older than the kept detail: its day is closed."
    return dead_letter(raw[record.fingerprint], record.arrived, DeadLetter.Kind.TOO_LATE, reason)
