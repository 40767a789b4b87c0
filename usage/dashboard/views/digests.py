"""A week on one sheet of paper."""

from datetime import date, datetime, timedelta

from django import forms
from django.conf import settings
from django.shortcuts import render
from django.utils.translation import gettext_lazy

from usage.analytics.reports.digests import WEEK, week_of
from usage.analytics.reports.digests import digest as digest_of
from usage.dashboard.currency import currency_of
from usage.dashboard.frame import frame
from usage.dashboard.pages import page
from usage.dashboard.panels.digest import week_figures
from usage.query.forms import FIRST_YEAR, checked
from usage.time.clock import now_us
from usage.time.periods import LAST_YEAR, date_of, first_of_week, local_day
from usage.time.units import SECOND_US

BAD_WEEK = gettext_lazy("A week is a year from 1970 to 2199 and a number, such as 2026-W48.")


class WeekForm(forms.Form):
    """A week as ISO 8601 counts them; the last whole one for a blank."""

    week = forms.CharField(required=False, max_length=8, error_messages={"max_length": BAD_WEEK})

    def clean_week(self):
        """Its Monday."""
        text = self.cleaned_data["week"]
        if not text:
            return this_monday() - WEEK
        try:
            monday = datetime.strptime(f"{text}-1", "%G-W%V-%u").date()
        except ValueError:
            monday = date.min
        if not FIRST_YEAR < monday.year < LAST_YEAR - 1:
            raise forms.ValidationError(BAD_WEEK)
        return monday


def this_monday() -> date:
    """The first local day of the week of now."""
    return date_of(first_of_week(local_day(now_us() // SECOND_US, settings.TIME_ZONE)))


@page("usage/digest.html", cached=False)
def digest(request, filters):
    """What a week came to, against the week before; its links lead to the week's own requests."""
    monday = checked(WeekForm(request.GET)).cleaned_data["week"]
    found = digest_of(filters, monday, now_us())
    request.query.pop("range", None)
    request.query.update({"start": monday.isoformat(), "end": (monday + WEEK).isoformat()})
    with currency_of(week_of(monday)):
        context = {
            "digest": found,
            "figures": week_figures(found),
            "sunday": monday + WEEK - timedelta(days=1),
            "most": max(figures.total for _, figures in found.days),
            "around": [f"{day:%G-W%V}" for day in (monday - WEEK, monday, monday + WEEK)],
            "is_last": monday >= this_monday(),
        }
        return render(request, "usage/digest.html", {**frame(request), **context})
