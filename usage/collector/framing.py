"""The format of a spool file: how records are written, and how they are read back, also after damage. Pure.

After a line that names the format, each record is: arrival (µs, UTC), length, CRC-32 of both and the bytes, then the
bytes.
"""

import struct
import zlib
from collections.abc import Iterator

from usage.records.decoding import DAMAGED

MAGIC = b"cpa-usage spool 1\n"
HEADER = struct.Struct(">qI")
CHECKSUM = struct.Struct(">I")
PREFIX = HEADER.size + CHECKSUM.size
KEPT_BYTES = 64 * 1024  # of a damaged stretch

Record = tuple[int, bytes]  # arrival in µs since the epoch UTC, raw bytes


def framed(records: list[Record]) -> Iterator[bytes]:
    """The bytes of these records in a file, as `found_in` reads them."""
    for arrived, raw in records:
        head = HEADER.pack(arrived, len(raw))
        yield head + CHECKSUM.pack(zlib.crc32(raw, zlib.crc32(head)))
        yield raw


def found_in(data: bytes, written_at: int) -> tuple[list[Record], int, int]:
    """Read a file's bytes: (records, where the last whole one ends, how many damaged stretches were found).

    A damaged stretch is returned in its place as a record that says so; it cannot be parsed and becomes a dead letter.
    The file was begun at `written_at` (µs since the epoch).
    """
    records, at, end, damaged = [], len(MAGIC), len(MAGIC), 0
    while at < len(data) or (len(data) < len(MAGIC) and not records):
        if whole := _record_at(data, at):
            records.append(whole)
            at = end = at + PREFIX + len(whole[1])
        else:
            behind = _behind_damage(data, at, written_at)
            records.append((written_at, _damage(data[at:behind])))
            damaged += 1
            at = behind
    return records, end, damaged


def is_torn(data: bytes, end: int) -> bool:
    """Whether what follows the last whole record is one that was being written, rather than damage."""
    rest = len(data) - end
    return rest < 0 or 0 < rest < PREFIX or (rest > 0 and HEADER.unpack_from(data, end)[1] > rest - PREFIX)


def _record_at(data, at):
    """The record at this offset if it is whole, else None."""
    if at + PREFIX > len(data):
        return None
    head = data[at : at + HEADER.size]
    arrived, length = HEADER.unpack(head)
    raw = data[at + PREFIX : at + PREFIX + length]
    if len(raw) != length or CHECKSUM.unpack_from(data, at + HEADER.size)[0] != zlib.crc32(raw, zlib.crc32(head)):
        return None
    return arrived, raw


def _behind_damage(data, at, written_at):
    """The offset of the next whole record, or the end of the file."""
    # Its length may be damaged, too. Each record begins with the high bytes of a time near that of the file, which no
    # text of JSON contains.
    sign = HEADER.pack(written_at, 0)[:2]
    behind = data.find(sign, at + 1)
    while behind != -1 and not _record_at(data, behind):
        behind = data.find(sign, behind + 1)
    return len(data) if behind == -1 else behind


def _damage(stretch):
    kept = stretch[PREFIX : PREFIX + KEPT_BYTES]
    return b"%b, %d bytes, of which the first: %b" % (DAMAGED, max(len(stretch) - PREFIX, 0), kept)
