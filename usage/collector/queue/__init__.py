"""Everything that speaks to CPA's queue: pop over RESP, subscribe, or pop over HTTP, behind one `CpaQueue.pop()`.

A transport has `name`, `pop(limit) -> list[bytes]` and `close() -> list[bytes]`, which returns what was on its way.
"""

from usage.collector.queue.errors import Interrupted, NotResp, NotRunning, QueueError, Refused, Unavailable
from usage.collector.queue.key import Key
from usage.collector.queue.transports import CpaQueue
