"""A week on one sheet of paper."""

from datetime import date, timedelta

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.shortcuts import render
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from usage.analytics.reports.digests import WEEK, Digest, digest, week_of
from usage.dashboard.currency import amount, currency_of
from usage.dashboard.formats import compact, exact, percent
from usage.dashboard.frame import frame
from usage.dashboard.pages import page
from usage.dashboard.panels.cards import points_changed, relative
from usage.query.forms import checked
from usage.time.clock import now_us

BAD_WEEK = gettext_lazy("A week is a year from 1970 to 2199 and a number, such as 2026-W48.")


class WeekForm(forms.Form):
    """The Monday of a week as ISO 8601 counts them; None for a blank."""

    week = forms.DateField(
        required=False,
        input_formats=["%G-W%V-%u"],
        validators=[MinValueValidator(date(1970, 1, 12)), MaxValueValidator(date(2199, 12, 1))],
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), BAD_WEEK),
    )


@page("usage/digest.html", cached=False)
def week(request, filters):
    """What a week came to, the last whole one or `?week=`; its links lead to the requests of that week."""
    text, this = request.GET.get("week", "").strip(), localdate() - timedelta(days=localdate().weekday())
    monday = checked(WeekForm({"week": text and f"{text}-1"})).cleaned_data["week"] or this - WEEK
    found = digest(filters, monday, now_us())
    for name in ("range", "week"):
        request.query.pop(name, None)
    request.query.update({"start": monday.isoformat(), "end": (monday + WEEK).isoformat()})
    with currency_of(week_of(monday)):
        context = {
            "digest": found,
            "figures": _figures(found),
            "most": max(figures.total for _, figures in found.days),
            "sunday": monday + timedelta(days=6),
            "around": [f"{day:%G-W%V}" for day in (monday - WEEK, monday, monday + WEEK)],
            "is_last": monday >= this,
        }
        return render(request, "usage/digest.html", {**frame(request), **context})


def _figures(found: Digest) -> list[tuple[str, str, tuple[str, str], str]]:
    """(name, figure, its change and whether that is up or down where one is better, else flat, a detail) of each."""
    now, before = found.figures, found.before

    def change(field, changed=relative):
        return changed(getattr(now, field), getattr(before, field)) if before else ("", "")

    of_clients = _("%(count)s from clients") % {"count": exact(now.client_requests)}
    output = _("%(count)s output") % {"count": compact(now.output_tokens)}
    from_cache = _("%(share)s of input from cache") % {"share": percent(now.cache_hit_rate)}
    return [
        (_("Requests"), compact(now.total), change("total"), of_clients),
        (_("Answered"), percent(now.answered_rate), change("answered_rate", points_changed), ""),
        (_("Tokens"), compact(now.total_tokens), change("total_tokens"), output),
        (_("Cost"), amount(now.known_cost).text, change("known_cost"), ""),
        (_("Cache saved"), amount(found.cache_saved).text, ("", ""), from_cache if now.input_total else ""),
    ]
