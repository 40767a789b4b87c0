"""The cards of the Overview: name, figure, change against the period before, and a sparkline. Pure."""

from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext as _

from usage.analytics.answers import Overview
from usage.analytics.comparisons import Comparison
from usage.analytics.latency import Medians
from usage.analytics.pace import Pace, Peak
from usage.dashboard.formats import compact, duration, exact, percent, short, usd, usd_exact
from usage.dashboard.panels.sparklines import spark

DAYS_BY_HOUR = 8  # sparklines of longer periods show days
# A smaller change is neither good nor bad: it comes and goes by itself.
NOTABLE_POINTS, NOTABLE_SLOWING = 0.5, 0.05


class Card(NamedTuple):
    """`trend` is up or down where that is good or bad, else flat; `drill` holds more filters of its requests."""

    slug: str
    name: str
    value: float | None
    figure: str
    exact: str
    change: str
    trend: str
    detail: str
    spark: str
    drill: dict = {}


def cards(found: Overview, compared: Comparison, medians: Medians, pace: Pace, peak: Peak | None) -> list[Card]:
    """All cards, in the order in which a page shows them."""
    hours = _begun(found.hourly_series, found)
    series = hours if len(found.daily_series) <= DAYS_BY_HOUR else _begun(found.daily_series, found)
    return [
        _requests(compared, series),
        _cost(compared, series),
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


def _requests(compared, series):
    now = compared.current
    answered = _("%(share)s answered") % {"share": percent(now.answered_rate)} if now.total else ""
    change, line = _change(compared, "total"), spark([bucket.total for bucket in series])
    return Card("requests", _("Requests"), now.total, compact(now.total), exact(now.total), *change, answered, line)


def _tokens(compared, series):
    now, tokens = compared.current, compared.current.total_tokens
    output = _("%(count)s output") % {"count": compact(now.output_tokens)}
    change, line = _change(compared, "total_tokens"), spark([bucket.total_tokens for bucket in series])
    return Card("tokens", _("Tokens"), tokens, compact(tokens), exact(tokens), *change, output, line)


def _cost(compared, series):
    now = compared.current
    priced = bool(now.cost) or now.unpriced_tokens < now.total_tokens or not now.total_tokens
    cost = now.cost if priced else None
    each = _("%(cost)s / 1 k requests") % {"cost": usd(now.cost / now.total * 1000)} if now.total and priced else ""
    line = spark([bucket.cost for bucket in series])
    return Card("cost", _("Cost"), cost, usd(cost), usd_exact(cost), *_change(compared, "cost"), each, line)


def _success(compared, series):
    now, change = compared.current, _points(compared, "success_rate")
    figure, parts = percent(now.success_rate), f"{exact(now.success)} / {exact(now.total)}"
    failed = _("%(count)s failed") % {"count": compact(now.failed)}
    line, drill = spark([_share(bucket.success, bucket.total) for bucket in series]), {"result": "failed"}
    return Card("success", _("Success"), now.success_rate, figure, parts, *change, failed, line, drill)


def _cached(compared, series):
    now, change = compared.current, _points(compared, "cache_hit_rate")
    figure, parts = percent(now.cache_hit_rate), f"{exact(now.cache_read_tokens)} / {exact(now.input_total)}"
    of_input = _("of %(count)s input") % {"count": compact(now.input_total)} if now.input_total else ""
    line = spark([_share(bucket.cache_read_tokens, _input(bucket)) for bucket in series])
    return Card("cache", _("From cache"), now.cache_hit_rate, figure, parts, *change, of_input, line)


def _share(part, whole):
    return part / whole if whole else None


def _input(bucket):
    return bucket.input_tokens + bucket.cache_read_tokens + bucket.cache_creation_tokens


def _speed(compared, slug, name, field, over_time):
    now = getattr(compared.current_speeds, field)
    before = compared.previous_speeds and getattr(compared.previous_speeds, field).p50
    change, trend = _relative(now.p50, before)
    if before and now.p50 is not None and abs(now.p50 / before - 1) >= NOTABLE_SLOWING:
        trend = "down" if now.p50 > before else "up"
    answers = _("median of %(count)s answers") % {"count": exact(now.count)}
    tail = _("median · p95 %(time)s") % {"time": duration(now.p95)} if now.count else ""
    return Card(slug, name, now.p50, duration(now.p50), answers, change, trend, tail, spark(over_time))


def _pace(now, peak, hours):
    parts = [_("%(count)s tpm") % {"count": short(now.tpm)}]
    if peak:
        parts.append(_("peak %(rpm)s") % {"rpm": compact(round(peak.rpm, 0 if peak.rpm >= 10 else 1))})
    rpm, title = _("%(count)s rpm") % {"count": compact(now.rpm)}, _("Attempts that began in the last 60 seconds")
    line = spark([hour.total for hour in hours])
    return Card("pace", _("Now"), now.rpm, rpm, title, "", "none", " · ".join(parts), line)


def _change(compared, field):
    return _relative(*_now_and_before(compared, field))


def _points(compared, field):
    return points_changed(*_now_and_before(compared, field))


def _now_and_before(compared, field):
    return getattr(compared.current, field), compared.previous and getattr(compared.previous, field)


def _relative(now, before):
    """(change in per cent, trend): more is neither good nor bad."""
    if not before or now is None:
        return "", "none"
    change = (now - before) / before
    if abs(change) < 0.0005:
        return "±0 %", "flat"
    if abs(change) >= 10:
        return f"×{now / before:.0f}", "flat"
    return f"{_sign(change)}{abs(change) * 100:.1f} %", "flat"


def points_changed(now: float | None, before: float | None) -> tuple[str, str]:
    """(change in percentage points, trend) of two rates of which more is better."""
    if now is None or before is None:
        return "", "none"
    points = (now - before) * 100
    if abs(points) < 0.05:
        return _("±0 pt"), "flat"
    change = _("%(points)s pt") % {"points": f"{_sign(points)}{abs(points):.1f}"}
    if abs(points) < NOTABLE_POINTS:
        return change, "flat"
    return change, "up" if points > 0 else "down"


def _sign(change):
    return "+" if change > 0 else "−"
