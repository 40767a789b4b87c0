"""An export as the reply to a request."""

from threading import BoundedSemaphore

from django.http import QueryDict, StreamingHttpResponse
from django.utils.timezone import localtime

from cpa_usage.http.errors import error_response
from usage.analytics.exports.formats import FORMATS
from usage.analytics.exports.forms import ExportForm
from usage.query.filters import UsageFilter
from usage.query.forms import checked

EXPORTS = 8  # at once: each keeps a page of events in memory while its client reads
STALLED_SECONDS = 30  # after which one that its client does not read is cut
PLACES = BoundedSemaphore(EXPORTS)


class Export:
    """The parts of an export that has taken a place; to close it, or to read it to its end, frees the place."""

    def __init__(self, parts):
        self._parts = parts

    def __iter__(self):
        yield from self._parts
        self.close()

    def close(self):
        """For the next one; a second time it does nothing."""
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
    what = "usage" if form.is_of_totals else "requests"
    headers = {"Content-Disposition": f'attachment; filename="{what}-{localtime():%Y%m%d-%H%M}.{name}"'}
    return StreamingHttpResponse(Export(parts), content_type=FORMATS[name].content_type, headers=headers)
