"""Lists of the admin that show when a model or client key was last seen, without reading years of days."""

from datetime import date

from django.db.models import Max
from django.utils import timezone
from unfold.views import ChangeList

RECENT_DAYS = 62
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


class LastSeenList(ChangeList):
    """Adds `last_seen`, a text, to rows that have series and an annotated `last_month` (months since 1970-01)."""

    def get_results(self, request):
        """Reads the day of last use for one page; of older use only the month is known."""
        super().get_results(request)
        since = timezone.localdate().toordinal() - EPOCH_ORDINAL - RECENT_DAYS
        rows = self.model.objects.filter(pk__in=[row.pk for row in self.result_list], series__days__bucket__gte=since)
        days = dict(rows.order_by().values_list("pk").annotate(Max("series__days__bucket")))
        for row in self.result_list:
            row.last_seen = last_seen(days.get(row.pk), row.last_month)


def last_seen(day: int | None, month: int | None) -> str:
    """YYYY-MM-DD of a day number, else YYYY-MM of a month number, else a dash."""
    if day is not None:
        return date.fromordinal(day + EPOCH_ORDINAL).isoformat()
    return "–" if month is None else f"{1970 + month // 12}-{month % 12 + 1:02}"
