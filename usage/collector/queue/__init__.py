"""Everything that speaks to CPA's queue: pop over RESP, subscribe, pop over HTTP, behind one `Doors.pop()`.

A door is an object with `name`, `pop(limit) -> list[bytes]` and `close() -> list[bytes]` (what was still on its way). A
large reply comes in parts: while `unread` is not 0, `rest() -> list[bytes]` gives the next, and a closed door keeps it.
"""

from usage.collector.queue.doors import Doors
from usage.collector.queue.errors import Away, Cut, NotResp, QueueError, Refused, Stopped
from usage.collector.queue.key import Key

__all__ = ["Away", "Cut", "Doors", "Key", "NotResp", "QueueError", "Refused", "Stopped"]
