"""The cards of the Overview: name, figure, change against the period before, and a sparkline. Pure wording."""

from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext as _

from usage.analytics.answers import Overview
from usage.analytics.comparisons import Comparison
from usage.analytics.latency import Medians
from usage.analytics.pace import Pace, Peak
from usage.dashboard import wording

DAYS_BY_HOUR = 8  # longer periods show their days
POINTS = 60  # of a sparkline
WIDTH, HEIGHT = 200, 32
# A smaller change is neither good nor bad: it comes and goes by itself.
NOTABLE_POINTS, NOTABLE_SLOWING = 0.5, 0.05


class Card(NamedTuple):
    """`trend` is up or down where that is good or bad, else flat; `drill` is what its requests are filtered by."""

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


def cards(found: Overview, compared: Comparison, paces: Medians, now: Pace, peak: Peak | None) -> list[Card]:
    """In the order they stand."""
    series = _so_far(found.hourly_series if len(found.daily_series) <= DAYS_BY_HOUR else found.daily_series, found)
    return [
        _requests(compared, series),
        _cost(compared, series),
        _tokens(compared, series),
        _success(compared, series),
        _cached(compared, series),
        _speed(compared, "first_token", _("First token"), "ttft", paces.ttft_ms),
        _speed(compared, "latency", _("Latency"), "latency", paces.latency_ms),
        _pace(now, peak, _so_far(found.hourly_series, found)),
    ]


def _so_far(series, found):
    """Buckets that have begun: what is still to come is no fall."""
    now = datetime.fromisoformat(found.generated_at)
    return [bucket for bucket in series if datetime.fromisoformat(bucket.bucket) <= now]


def _requests(compared, series):
    now, before = compared.current, compared.previous
    answered = now.total and _("%(share)s answered") % {"share": wording.percent(now.answered_rate)}
    return Card(
        "requests",
        _("Requests"),
        now.total,
        wording.compact(now.total),
        wording.exact(now.total),
        *_relative(now.total, before and before.total),
        answered or "",
        spark([bucket.total for bucket in series]),
    )


def _cost(compared, series):
    now, before = compared.current, compared.previous
    priced = bool(now.cost) or now.unpriced_tokens < now.total_tokens or not now.total_tokens
    cost = now.cost if priced else None
    each = now.cost / now.total * 1000 if now.total and priced else None
    return Card(
        "cost",
        _("Cost"),
        cost,
        wording.usd(cost),
        wording.usd_exact(cost),
        *_relative(now.cost, before and before.cost),
        "" if each is None else _("%(cost)s / 1 k requests") % {"cost": wording.usd(each)},
        spark([bucket.cost for bucket in series]),
    )


def _tokens(compared, series):
    now, before = compared.current, compared.previous
    return Card(
        "tokens",
        _("Tokens"),
        now.total_tokens,
        wording.compact(now.total_tokens),
        wording.exact(now.total_tokens),
        *_relative(now.total_tokens, before and before.total_tokens),
        _("%(count)s output") % {"count": wording.compact(now.output_tokens)},
        spark([bucket.total_tokens for bucket in series]),
    )


def _success(compared, series):
    now, before = compared.current, compared.previous
    return Card(
        "success",
        _("Success"),
        now.success_rate,
        wording.percent(now.success_rate),
        f"{wording.exact(now.success)} / {wording.exact(now.total)}",
        *_points(now.success_rate, before and before.success_rate, good=True),
        _("%(count)s failed") % {"count": wording.compact(now.failed)},
        spark([bucket.success / bucket.total if bucket.total else None for bucket in series]),
        {"result": "failed"},
    )


def _cached(compared, series):
    now, before = compared.current, compared.previous
    rates = [_hit_rate(bucket) for bucket in series]
    return Card(
        "cache",
        _("From cache"),
        now.cache_hit_rate,
        wording.percent(now.cache_hit_rate),
        f"{wording.exact(now.cache_read_tokens)} / {wording.exact(now.input_total)}",
        *_points(now.cache_hit_rate, before and before.cache_hit_rate, good=True),
        _("of %(count)s input") % {"count": wording.compact(now.input_total)} if now.input_total else "",
        spark(rates),
    )


def _hit_rate(bucket):
    whole = bucket.input_tokens + bucket.cache_read_tokens + bucket.cache_creation_tokens
    return bucket.cache_read_tokens / whole if whole else None


def _speed(compared, slug, name, field, over_time):
    now = getattr(compared.current_speeds, field)
    before = compared.previous_speeds and getattr(compared.previous_speeds, field).p50
    change, trend = _relative(now.p50, before)
    if before and now.p50 is not None and abs(now.p50 / before - 1) >= NOTABLE_SLOWING:
        trend = "down" if now.p50 > before else "up"
    exact = _("median of %(count)s answers") % {"count": wording.exact(now.count)}
    tail = _("median · p95 %(time)s") % {"time": wording.duration(now.p95)} if now.count else ""
    return Card(slug, name, now.p50, wording.duration(now.p50), exact, change, trend, tail, spark(over_time))


def _pace(now, peak, hours):
    parts = [_("%(count)s tpm") % {"count": wording.short(now.tpm)}]
    if peak:
        parts.append(_("peak %(rpm)s") % {"rpm": wording.compact(round(peak.rpm, 0 if peak.rpm >= 10 else 1))})
    return Card(
        "pace",
        _("Now"),
        now.rpm,
        _("%(count)s rpm") % {"count": wording.compact(now.rpm)},
        _("Attempts that began in the last 60 seconds"),
        "",
        "none",
        " · ".join(parts),
        spark([hour.total for hour in hours]),
    )


def _relative(now, before):
    """(change in per cent, trend): more is neither good nor bad."""
    if not before or now is None:
        return "", "none"
    change = (now - before) / before
    if abs(change) < 0.0005:
        return "±0 %", "flat"
    text = f"{abs(change) * 100:.1f} %" if abs(change) < 10 else f"×{now / before:.0f}"
    return (f"{'+' if change > 0 else '−'}{text}" if abs(change) < 10 else text), "flat"


def _points(now, before, good):
    """(change in percentage points, trend)."""
    if now is None or before is None:
        return "", "none"
    points = (now - before) * 100
    if abs(points) < 0.05:
        return _("±0 pt"), "flat"
    change = _("%(points)s pt") % {"points": f"{'+' if points > 0 else '−'}{abs(points):.1f}"}
    if abs(points) < NOTABLE_POINTS:
        return change, "flat"
    return change, "up" if (points > 0) == good else "down"


def spark(values: list[float | None]) -> str:
    """Points of a polyline in WIDTH × HEIGHT; values of one stretch are averaged, unknown ones left out."""
    size = max(1, -(-len(values) // POINTS))
    stretches = [[v for v in values[i : i + size] if v is not None] for i in range(0, len(values), size)]
    means = [(place, sum(known) / len(known)) for place, known in enumerate(stretches) if known]
    if len(means) < 2 or not any(value for _, value in means):
        return ""
    low, high = min(0, *(v for _, v in means)), max(v for _, v in means)
    if all(value <= 1 for _, value in means):  # shares: what matters is how far below all they are
        low = min(value for _, value in means)
    across, up = WIDTH / (len(stretches) - 1), (HEIGHT - 6) / ((high - low) or 1)
    return " ".join(f"{place * across:.0f},{HEIGHT - 2 - (value - low) * up:.1f}" for place, value in means)
