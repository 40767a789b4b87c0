"""What the reader thread and the main thread tell each other; plain values, each written by one side only."""

import threading

from usage.collector.continuity import Continuity
from usage.collector.trouble import Trouble


class Progress:
    """Counts, errors and wishes of the reader; what the main thread has found out."""

    def __init__(self):
        self.arrived = threading.Event()  # something was spooled, or the reader ended
        self.continuity = Continuity()
        self.trouble = Trouble()
        self.mode = ""
        self.batches = self.records = 0
        self.wants_sync = False  # CPA said its accounts or configuration changed
        self.starved = False  # set by the main thread: another product takes every record
        self.crashed = False
