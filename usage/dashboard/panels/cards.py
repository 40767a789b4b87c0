"""The cards of the Overview: name, figure, change against the period before, and a sparkline."""

from datetime import datetime, time
from typing import NamedTuple

from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from usage.analytics.answers import Overview
from usage.analytics.comparisons import Comparison
from usage.analytics.coverage import Covered
from usage.analytics.latency import Medians
from usage.analytics.overview import Pace, Peak
from usage.dashboard.currency import amount
from usage.dashboard.formats import compact, duration, exact, percent, plus_or_minus, short
from usage.dashboard.markup import EXACT_FROM
from usage.dashboard.panels.sparklines import spark
from usage.time.words import written

DAYS_BY_HOUR = 8  # sparklines of longer periods show days
# A smaller change is neither good nor bad: it comes and goes by itself.
NOTABLE_POINTS, NOTABLE_SLOWING = 0.5, 0.05


class Card(NamedTuple):
    """`trend` is up or down where that is good or bad, else flat; `drill` is the result that its requests had.

    `note` is what must be known to read the figure.
    """

    slug: str
    name: str
    value: float | None
    figure: str
    exact: str
    change: str
    trend: str
    detail: str
    spark: str
    drill: str = ""
    note: str = ""


def cards(  # noqa: PLR0917  an answer for each
    found: Overview, compared: Comparison, covered: Covered, medians: Medians, pace: Pace, peak: Peak | None
) -> list[Card]:
    """All cards, in the order in which a page shows them."""
    hours = _begun(found.hourly_series, found)
    series = hours if len(found.daily_series) <= DAYS_BY_HOUR else _begun(found.daily_series, found)
    return [
        _requests(compared, series),
        _cost(compared, covered, series),
        _tokens(compared, series),
        _success(compared, series),
        _cached(compared, series),
        _speed(compared, "first_token", _("First token"), "ttft", medians.ttft_ms),
        _speed(compared, "latency", _("Latency"), "latency", medians.latency_ms),
        _pace(pace, peak, hours),
    ]


def _begun(series, found):
    """Buckets that have begun: one that is still to come is no fall."""
    now = datetime.fromisoformat(found.generated_at)
    return [bucket for bucket in series if datetime.fromisoformat(bucket.bucket) <= now]


def _since_first(series, field):
    """The field of each bucket; None before the first in which something was recorded: that is no zero."""
    begun = next((place for place, bucket in enumerate(series) if bucket.total), 0)
    return [getattr(bucket, field) if place >= begun else None for place, bucket in enumerate(series)]


def _card(compared, series, field, changed, **shown):
    """The card of a field of Figures: of the period, of the one before, and of the buckets of the period."""
    now, before = getattr(compared.current, field), compared.previous and getattr(compared.previous, field)
    change, trend = changed(now, before)
    line = spark(_since_first(series, field))
    return Card(**{"value": now, "change": change, "trend": trend, "spark": line, **shown})


def _requests(compared, series):
    now = compared.current
    shown = {"name": _("Requests"), "figure": compact(now.total), "exact": exact(now.total)}
    answered = _("%(share)s answered") % {"share": percent(now.answered_rate)} if now.total else ""
    if answered and now.client_requests != now.total:
        answered = _("%(count)s from clients, %(answered)s") % {
            "count": exact(now.client_requests),
            "answered": answered,
        }
    if now.failed and not now.success:
        answered = _("%(count)s reached the client") % {"count": exact(now.client_failed)}
    return _card(compared, series, "total", relative, slug="requests", detail=answered, **shown)


def _tokens(compared, series):
    now = compared.current
    shown = {"name": _("Tokens"), "figure": compact(now.total_tokens), "exact": exact(now.total_tokens)}
    output = _("%(count)s output") % {"count": compact(now.output_tokens)}
    return _card(compared, series, "total_tokens", relative, slug="tokens", detail=output, **shown)


def _cost(compared, covered, series):
    cost, requests = compared.current.known_cost, compared.current.client_requests
    value, figure, every_digit = amount(cost)
    shown = {"name": _("Cost"), "value": value, "figure": figure, "exact": every_digit}
    shown["note"] = _short_note(covered)
    if covered.minimum_tokens and cost is not None:
        shown["figure"] = f"≥ {figure}"
    each = _("%(cost)s / 1k requests") % {"cost": amount(cost / requests * 1000).text} if requests and cost else ""
    return _card(compared, series, "known_cost", relative, slug="cost", detail=each, **shown)


def _success(compared, series):
    now = compared.current
    parts = f"{exact(now.success)} / {exact(now.total)}"
    shown = {"name": _("Success"), "figure": percent(now.success_rate), "exact": parts, "drill": "failed"}
    failed = _("%(count)s failed") % {"count": compact(now.failed)}
    return _card(compared, series, "success_rate", points_changed, slug="success", detail=failed, **shown)


def _cached(compared, series):
    now = compared.current
    parts = f"{exact(now.cache_read_tokens)} / {exact(now.input_total)}"
    shown = {"name": _("From cache"), "figure": percent(now.cache_hit_rate), "exact": parts}
    of_input = _("of %(count)s input") % {"count": compact(now.input_total)} if now.input_total else ""
    return _card(compared, series, "cache_hit_rate", points_changed, slug="cache", detail=of_input, **shown)


def _speed(compared, slug, name, field, over_time):
    now, since = getattr(compared.current_speeds, field), compared.current_speeds.measured_from
    is_whole = compared.previous_speeds and not (since or compared.previous_speeds.measured_from)
    before = getattr(compared.previous_speeds, field).p50 if is_whole else None
    change, trend = relative(now.p50, before)
    if before and now.p50 is not None and abs(now.p50 / before - 1) >= NOTABLE_SLOWING:
        trend = "down" if now.p50 > before else "up"
    answers = _("median of %(count)s answers") % {"count": exact(now.count)}
    figure = f"≈ {duration(now.p50)}" if now.p50 and now.count < EXACT_FROM else duration(now.p50)
    tail = _("median · p95 %(time)s") % {"time": duration(now.p95)} if now.count else ""
    note = _("since %(day)s") % {"day": _day(since)} if since and now.count else ""
    return Card(slug, name, now.p50, figure, answers, change, trend, tail, spark(over_time), note=note)


def _day(text):
    """A moment in words, without its hour at midnight."""
    at = localtime(datetime.fromisoformat(text))
    return written(at, "j M, H:i" if at.time() > time() else "j M")


def _pace(now, peak, hours):
    parts = [_("%(count)s tpm") % {"count": short(now.tpm)}]
    if peak:
        busiest = compact(round(peak.rpm, 0 if peak.rpm >= 10 else 1))
        parts.append(_("busiest 15 min: %(rpm)s rpm") % {"rpm": busiest})
    rpm, title = _("%(count)s rpm") % {"count": compact(now.rpm)}, _("Attempts that began in the last 60 seconds")
    line = spark(_since_first(hours, "total"))
    return Card("pace", _("Now"), now.rpm, rpm, title, "", "none", " · ".join(parts), line)


def cost_notes(covered: Covered, without_tokens: int) -> list[str]:
    """Notes that a reader of the cost needs; none if every cost is known and exact."""
    found = [] if covered.is_whole else [_("Priced: %(parts)s") % {"parts": ", ".join(_parts(covered))}]
    if without_tokens:
        one, many = "%(count)s success without any tokens", "%(count)s successes without any tokens"
        found.append(ngettext(one, many, without_tokens) % {"count": exact(without_tokens)})
    if covered.minimum_tokens:
        tokens = {"count": compact(covered.minimum_tokens)}
        found.append(_("at least: %(count)s tokens were cached for a time that CPA does not tell") % tokens)
    return found


def _parts(covered):
    if covered.requests.total:
        yield _("%(share)s of requests") % {"share": percent(covered.requests.share)}
    yield _("%(priced)s of %(all)s models") % {"priced": covered.models.priced, "all": covered.models.total}
    if covered.tokens.total:
        yield _("%(share)s of tokens") % {"share": percent(covered.tokens.share)}


def _short_note(covered: Covered) -> str:
    """The note about a cost, short enough for a card."""
    if covered.is_whole:
        return ""
    part = covered.requests if covered.requests.total else covered.tokens
    return _("%(share)s priced") % {"share": percent(part.share)}


def relative(now: float | None, before: float | None) -> tuple[str, str]:
    """(change in per cent, trend): more is neither good nor bad."""
    if not before or now is None:
        return "", "none"
    change = (now - before) / before
    if abs(change) < 0.0005:
        return "±0%", "flat"
    if abs(change) >= 10:
        return f"×{now / before:.0f}", "flat"
    return f"{plus_or_minus(change)}{abs(change) * 100:.1f}%", "flat"


def points_changed(now: float | None, before: float | None) -> tuple[str, str]:
    """(change in percentage points, trend) of two rates of which more is better."""
    if now is None or before is None:
        return "", "none"
    points = (now - before) * 100
    if abs(points) < 0.05:
        return _("±0 pt"), "flat"
    change = _("%(points)s pt") % {"points": f"{plus_or_minus(points)}{abs(points):.1f}"}
    if abs(points) < NOTABLE_POINTS:
        return change, "flat"
    return change, "up" if points > 0 else "down"
