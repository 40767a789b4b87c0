"""An export as the reply to a request."""

from datetime import datetime, time, timedelta
from threading import BoundedSemaphore

from django.http import QueryDict, StreamingHttpResponse
from django.utils.timezone import get_current_timezone

from cpa_usage.http.errors import error_response
from usage.analytics.exports.formats import FORMATS
from usage.analytics.exports.forms import ExportForm
from usage.models.labels import LABELS
from usage.query.filters import UsageFilter
from usage.query.forms import UsageFilterForm, checked
from usage.time.units import SECOND_US

EXPORTS = 8  # at once: each keeps a page of events in memory while its client reads
STALLED_SECONDS = 30  # after which one that its client does not read is cut
PLACES = BoundedSemaphore(EXPORTS)
NAMEABLE = LABELS.keys() - {"api_key", "source", "auth_index"}  # filters whose values may be in the name of a file
SHORT = {"api_key": "key", "source": "account", "auth_index": "account", "request_id": "request"}  # others
PERIOD = ("range", "start", "end")
PART, NAME = 40, 120  # characters of a part of a file's name, and of all of it


class Export:
    """The parts of an export that has taken a place; to close it, or to read it to its end, frees the place."""

    def __init__(self, parts):
        self._parts = parts

    def __iter__(self):
        yield from self._parts
        self.close()

    def close(self):
        """Free the place for the next export; a second call does nothing."""
        if parts := self._parts:
            self._parts = None
            parts.close()
            PLACES.release()


def export(filters: UsageFilter, parameters: QueryDict):
    """What the parameters ask for, as a file; 503 while too many others are being read. Raises ValidationError."""
    form = checked(ExportForm(parameters))
    parts, name = form.parts(filters), form.cleaned_data["format"]
    if not PLACES.acquire(blocking=False):
        busy = error_response(503, f"{EXPORTS} exports are being read just now: try again in a moment.")
        busy["Retry-After"] = str(STALLED_SECONDS)
        return busy
    headers = {"Content-Disposition": f'attachment; filename="{_name(form, filters, parameters)}.{name}"'}
    return StreamingHttpResponse(Export(parts), content_type=FORMATS[name].content_type, headers=headers)


def _name(form, filters, parameters):
    """`cpa-usage_last_week_failed_claude-sonnet-4-5`: the range and the filters, in ASCII that every system takes."""
    parts = ["cpa-usage", *(["totals"] if form.is_of_totals else []), _range(parameters, filters.period)]
    for name in sorted(UsageFilterForm().fields, key=lambda name: name != "result"):
        values = [text for text in parameters.getlist(name) if text.strip()]
        if values and name not in PERIOD:
            parts.append(_safe("-".join(values)) if name in NAMEABLE else SHORT.get(name, name))
    return "_".join(parts)[:NAME]


def _range(parameters, period):
    name = parameters.get("range", "")
    if name not in ("", "custom") or None in (period.start, period.end):
        return _safe(name or "all")
    edges = [datetime.fromtimestamp(edge // SECOND_US, get_current_timezone()) for edge in (period.start, period.end)]
    if any(edge.time() != time() for edge in edges):
        return "_".join(f"{edge:%Y-%m-%dT%H%M}" for edge in edges)
    days = edges[0].date(), edges[1].date() - timedelta(days=1)
    return "_".join(map(str, dict.fromkeys(days)))


def _safe(text):
    kept = "".join(letter if letter.isascii() and (letter.isalnum() or letter in ".-_") else "-" for letter in text)
    return kept.strip("-.")[:PART] or "other"
