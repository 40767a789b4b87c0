"""Times and texts as Go writes them."""

import json
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

NANOSECONDS = 1_000_000_000
QUARTER = 900  # seconds; offsets from UTC are whole quarters of an hour
_KEPT = 5_000


class Clock:
    """Formats instants (ns since the epoch) in one zone; remembers the quarter hours it met, so it is quick."""

    def __init__(self, zone: str):
        self.zone = ZoneInfo(zone)
        self._quarters: dict[int, tuple[str, int, str, str, int]] = {}

    def stamps(self, instant: int) -> tuple[str, str]:
        """RFC 3339 in the zone with nanoseconds, trailing zeros cut (`2026-11-24T11:56:42.9524+08:00`), and the
        Date header of that second (`Tue, 24 Nov 2026 03:56:42 GMT`)."""
        seconds, fraction = divmod(instant, NANOSECONDS)
        quarter, rest = divmod(seconds, QUARTER)
        local_hour, local_minute, offset, hour, minute = self._quarters.get(quarter) or self._quarter(quarter)
        minutes, second = divmod(rest, 60)
        text = f"{local_hour}{local_minute + minutes:02d}:{second:02d}.{fraction:09d}"
        if text[-1] == "0":
            text = text.rstrip("0").rstrip(".")
        return text + offset, f"{hour}{minute + minutes:02d}:{second:02d} GMT"

    def _quarter(self, quarter: int) -> tuple[str, int, str, str, int]:
        if len(self._quarters) > _KEPT:
            self._quarters.clear()
        then, universal = (local(quarter * QUARTER, zone) for zone in (self.zone, UTC))
        parts = (
            then.strftime("%Y-%m-%dT%H:"),
            then.minute,
            _offset(then),
            universal.strftime("%a, %d %b %Y %H:"),
            universal.minute,
        )
        self._quarters[quarter] = parts
        return parts


def local(seconds: float, zone: tzinfo) -> datetime:
    """An instant (seconds since the epoch) as an aware time of the zone."""
    return datetime.fromtimestamp(seconds, zone)


def go_json(text: str) -> str:
    """A JSON string as Go's encoder writes it: UTF-8 as it is, but < > & and U+2028/9 as escapes."""
    escaped = json.dumps(text, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        escaped = escaped.replace(character, f"\\u{ord(character):04x}")
    return escaped


def _offset(moment: datetime) -> str:
    text = moment.strftime("%z")
    return "Z" if text == "+0000" else f"{text[:3]}:{text[3:5]}"
