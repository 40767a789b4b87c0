"""Columns of usage for lists of what series refer to: models and client keys."""

from urllib.parse import urlencode

from django.db.models import BigIntegerField, Max, Sum
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display

from usage.admin.lastseen import LastSeenList


class UsageColumns:
    """For a ModelAdmin whose model has `series`: columns of usage and a link to the dashboard."""

    sums = {"request_count": "requests", "token_count": "total"}  # annotation: measure of Month
    dashboard_filter = ("", "")  # parameter of the dashboard, and the field it takes

    def get_queryset(self, request):
        """Adds `sums`, and `last_month` for LastSeenList."""
        sums = {
            name: Sum(f"series__months__{measure}", default=0, output_field=BigIntegerField())
            for name, measure in self.sums.items()
        }
        return super().get_queryset(request).annotate(**sums, last_month=Max("series__months__bucket"))

    def get_changelist(self, request, **kwargs):
        """The list with `last_seen`."""
        return LastSeenList

    def view_on_site(self, row):
        """The dashboard, filtered by this row."""
        parameter, field = self.dashboard_filter
        return f"{reverse('overview')}?{urlencode({'range': '30d', parameter: getattr(row, field)})}"

    @display(description="Requests", ordering="request_count")
    def requests(self, row):
        """Attempts ever counted."""
        return f"{row.request_count:,}"

    @display(description="Last seen", ordering="last_month")
    def last_seen(self, row):
        """The local day, or the month when it is long ago."""
        return format_html('<span class="whitespace-nowrap">{}</span>', row.last_seen)
