"""Columns of usage for the lists of models and of client keys, read from their kept totals."""

from datetime import date
from urllib.parse import urlencode

from django.db.models import BigIntegerField, Max, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display

from usage.models import LabelDay
from usage.time.periods import date_of


class UsageColumns:
    """For a ModelAdmin whose rows are the values of a kept label: columns of usage and a link to the dashboard."""

    sums = {"request_count": "requests", "token_count": "total"}  # annotation: measure
    label = ("", "")  # its name, and the field that holds the value

    def get_queryset(self, request):
        """Adds `sums`, and `last_day` as a day number."""
        sums = {name: Coalesce(self._total(Sum(measure)), 0) for name, measure in self.sums.items()}
        return super().get_queryset(request).annotate(**sums, last_day=self._total(Max("bucket")))

    def _total(self, aggregate):
        label, field = self.label
        days = LabelDay.objects.of_label(label).filter(label_value__value=OuterRef(field)).order_by()
        found = days.values("label_value").annotate(found=aggregate).values("found")
        return Subquery(found, output_field=BigIntegerField())

    def view_on_site(self, row):
        """The dashboard, filtered by this row."""
        label, field = self.label
        return f"{reverse('overview')}?{urlencode({'range': '30d', label: getattr(row, field)})}"

    @display(description="Requests", ordering="request_count")
    def requests(self, row):
        """Attempts ever counted."""
        return f"{row.request_count:,}"

    @display(description="Last seen", ordering="last_day")
    def last_seen(self, row):
        """The local day."""
        shown = "–" if row.last_day is None else date.isoformat(date_of(row.last_day))
        return format_html('<span class="whitespace-nowrap">{}</span>', shown)
