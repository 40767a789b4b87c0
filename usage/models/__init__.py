"""Events, their labels and their totals. Times are integers: microseconds (events) or bucket numbers, always UTC.

Integers, because the writer inserts past the ORM: a datetime would be stored as text, in two spellings of one instant.
"""

from usage.models.cuts import Cut, CutDay, CutHour, CutQuarter
from usage.models.durations import COUNTS, Duration
from usage.models.event import DeadLetter, Event
from usage.models.limits import LimitReading, PastReading
from usage.models.rollups import MEASURES, Day, Measures, Month, Quarter
from usage.models.series import Client, Series
from usage.models.state import DrainState, Gap, Lease

__all__ = [
    "COUNTS",
    "MEASURES",
    "Client",
    "Cut",
    "CutDay",
    "CutHour",
    "CutQuarter",
    "Day",
    "DeadLetter",
    "DrainState",
    "Duration",
    "Event",
    "Gap",
    "Lease",
    "LimitReading",
    "Measures",
    "Month",
    "PastReading",
    "Quarter",
    "Series",
]
