"""Events, their labels and their totals. Times are integers: microseconds (events) or bucket numbers, always UTC.

Integers, because the writer inserts past the ORM: a datetime would be stored as text, in two spellings of one instant.
"""

from usage.models.durations import Duration
from usage.models.event import DeadLetter, Event
from usage.models.gaps import Gap
from usage.models.histograms import COUNTS
from usage.models.imports import Import, ImportedDay
from usage.models.labelvalues import LabelDay, LabelQuarter, LabelValue
from usage.models.limits import LimitReading, PastReading
from usage.models.rollups import COUNTED, MEASURES, PRICED, Day, Measures, Quarter
from usage.models.saved import ColumnMapping, SavedView, SharedView
from usage.models.series import Client, Series
from usage.models.state import DrainState, Lease, LockLost
