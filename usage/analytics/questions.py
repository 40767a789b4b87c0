"""Every question the product answers about usage: one function each, from a UsageFilter to an answer."""

from datetime import date

from django.conf import settings

from catalog.models import accounts
from pricing.models import Model
from usage.analytics import answers
from usage.analytics.answers import figures
from usage.analytics.eventrows import EventDetail, event_detail
from usage.analytics.paging import NoSuchEvent, event_page, newest, parse_key
from usage.analytics.upstreams import last_seen, per_account
from usage.models import MEASURES, Day, Event, Quarter, Series
from usage.models.labelled import labelled
from usage.query.filters import NO_KEY, UsageFilter
from usage.query.reader import Reader
from usage.query.snapshots import once, snapshot
from usage.query.sums import add_up
from usage.time.clock import now_us
from usage.time.periods import (
    Period,
    date_of,
    day_number,
    day_start,
    days,
    five_minute_rows,
    hours,
    local_date,
    quarters,
    rfc3339_local_day,
    rfc3339_utc,
    rfc3339_utc_us,
)
from usage.time.units import DAY_S, FIVE_MINUTES_S, HOUR_S, QUARTER_S, SECOND_US

NOTHING = [0] * len(MEASURES)
HOURLY_IN_FULL = 31 * DAY_S  # a longer period shows the hours of its last week
GRID_DAYS = 31


@snapshot()
def overview(asked: UsageFilter) -> answers.Overview:
    """Totals, gap-free series and health grid of the period; every series counts an event where its time falls."""
    reader, span = Reader.of(asked), covered(asked.period)
    summary = reader.total()
    start, end = span or (0, 0)
    detail = max(start, (reader.events_from or 0) // SECOND_US)
    hours_from = start if end - start <= HOURLY_IN_FULL else -(-end // HOUR_S) * HOUR_S - 7 * DAY_S
    grid = days(detail, end, settings.TIME_ZONE)[-GRID_DAYS:] if detail < end else []
    hours_from, grid_from = max(hours_from, detail), grid[0][1] if grid else end
    per_hour = reader.per_hour(*_within(asked.period, hours_from)) if hours_from < end else {}
    cells = reader.counts_per_quarter(*_within(asked.period, grid_from)) if grid else {}
    return answers.Overview(
        summary=answers.Figures(**figures(summary)),
        hourly_series=_hourly(per_hour, hours_from, end),
        daily_series=_daily(reader.per_day(), start, end),
        health_grid=[_grid_row(cells, first, last) for _, first, last in grid],
        generated_at=rfc3339_utc(now_us() // SECOND_US),
        detail_from=_moment(reader.events_from),
    )


@once
def covered(period: Period) -> tuple[int, int] | None:
    """The seconds [start, end) that series of the period show; None while there is nothing to show.

    An open start is the first day counted; an open end is now, or the last quarter counted if a clock runs ahead.
    """
    start, end = period.start, period.end
    if start is None:
        first = Day.objects.order_by("bucket").values_list("bucket", flat=True).first()
        if first is None:
            return None
        start = day_start(date_of(first), settings.TIME_ZONE) * SECOND_US
    if end is None:
        last = Quarter.objects.order_by("-bucket").values_list("bucket", flat=True).first() or 0
        end = max(now_us(), (last + QUARTER_S) * SECOND_US, start + 1)
    return start // SECOND_US, -(-end // SECOND_US)


def _within(period, since):
    """The part of a period from `since` (seconds) on, in µs."""
    return max(since * SECOND_US, period.start or 0), period.end


def _hourly(per_hour, start, end):
    return [
        answers.Bucket(bucket=rfc3339_utc(hour), **figures(per_hour.get(hour, NOTHING))) for hour in hours(start, end)
    ]


def _daily(per_day, start, end):
    zone = settings.TIME_ZONE
    return [
        answers.Bucket(bucket=rfc3339_local_day(day, zone), **figures(per_day.get(day, NOTHING)))
        for day, _, _ in days(start, end, zone)
    ]


def _grid_row(per_quarter, first, last):
    row = []
    for quarter in quarters(first, last):
        measures = per_quarter.get(quarter, NOTHING)
        row.append(answers.Cell(rfc3339_utc(quarter), measures[0], measures[1]))
    return row


@snapshot()
def health(asked: UsageFilter, year: int | None = None, day: date | None = None) -> answers.Health:
    """A year of local days and, when a day is chosen, its five-minute cells; the period is not looked at."""
    zone = settings.TIME_ZONE
    year = year or (day or local_date(now_us() // SECOND_US, zone)).year
    reader = Reader.of(asked)
    counts = reader.within(Period(None, None)).counts_per_day()
    first, after = day_number(date(year, 1, 1)), day_number(date(year, 12, 31)) + 1
    cells = [
        answers.DayCell(date_of(n).isoformat(), rfc3339_local_day(n, zone), *counts.get(n, (0, 0)))
        for n in range(first, after)
    ]
    years: dict[int, int] = {}
    for n, (total, _) in sorted(counts.items()):
        years[date_of(n).year] = years.get(date_of(n).year, 0) + total
    return answers.Health(
        year=year,
        start=rfc3339_local_day(first, zone),
        end=rfc3339_local_day(after, zone),
        days=cells,
        years=[answers.Year(*pair) for pair in years.items()],
        selected_day=day and day.isoformat(),
        detail=_day_detail(asked, day, reader.events_from) if day else [],
        detail_from=_moment(reader.events_from),
    )


def _day_detail(asked, day, events_from):
    rows = five_minute_rows(day, settings.TIME_ZONE)
    start, end = rows[0][0] if rows else 0, rows[-1][-1] + FIVE_MINUTES_S if rows else 0
    if events_from is not None and end * SECOND_US <= events_from:
        return []
    events = Event.objects.between(start * SECOND_US, end * SECOND_US).matching(asked).counted_by(FIVE_MINUTES_S)
    counts = {bucket: (total, failed) for bucket, total, failed in events}
    return [[answers.Cell(rfc3339_utc(cell), *counts.get(cell, (0, 0))) for cell in row] for row in rows]


@snapshot()
def analysis(asked: UsageFilter) -> answers.Analysis:
    """The period by client key, by model, and by both; most requests first, then by name."""
    reader = Reader.of(asked)
    per_series, labels = reader.per_series(), _labels(asked)
    pairs = add_up(((*labels[series].group, labels[series].model), row) for series, row in per_series.items())
    groups = add_up((key[:2], row) for key, row in pairs.items())
    models = add_up((key[2], row) for key, row in pairs.items())
    return answers.Analysis(
        by_api=[
            answers.GroupFigures(api_group_key=key, api_group_display=display, **figures(row))
            for (key, display), row in _most_first(groups)
        ],
        by_model=[answers.ModelFigures(model=model, **figures(row)) for model, row in _most_first(models)],
        by_api_and_model=[
            answers.GroupModelFigures(api_group_key=key, api_group_display=display, model=model, **figures(row))
            for (key, display, model), row in _most_first(pairs)
        ],
        detail_from=_moment(reader.events_from),
    )


def _most_first(sums):
    return sorted(sums.items(), key=lambda item: (-item[1][0], item[0]))


def _labels(asked):
    """The labels of every series the filter admits, by id."""
    return labelled(Series.objects.matching(asked))


@snapshot()
def credentials(asked: UsageFilter) -> answers.Credentials:
    """The period by account, with what CPA says about it; most requests first, then by source."""
    reader = Reader.of(asked)
    rows = per_account(reader)
    known = accounts([auth_index for _, _, auth_index in rows])
    kept_from = reader.events_from or 0
    seen = {account: quarter for account, quarter in last_seen(reader).items() if quarter * SECOND_US >= kept_from}
    return answers.Credentials(
        items=[_credential(account, row, known, seen) for account, row in _most_first(rows)],
        detail_from=_moment(reader.events_from),
    )


def _credential(account, row, known, seen):
    source, display, auth_index = account
    about = known.get(auth_index)
    return answers.Credential(
        source=source,
        source_display=display,
        auth_index=auth_index,
        name=about.name if about else "",
        email=about.email if about else "",
        provider=about.provider if about else "",
        status=about.status if about else "",
        last_seen=rfc3339_utc(seen[account]) if account in seen else None,
        **figures(row),
    )


@snapshot()
def filter_options(asked: UsageFilter) -> answers.FilterOptions:
    """What occurs in the period and can be filtered by, sorted."""
    reader = Reader.of(asked)
    per_series, labels = reader.per_series(), _labels(asked)
    found = [labels[series] for series in per_series]
    keys = {(s.key or NO_KEY, s.key_name) for s in found}
    sources = {(s.source, s.source_display) for s in found if s.source}
    return answers.FilterOptions(
        models=sorted({s.model for s in found}),
        sources=sorted(source for source, _ in sources),
        api_key_options=[answers.KeyOption(*key) for key in sorted(keys, key=lambda key: (key[1], key[0]))],
        source_options=[answers.SourceOption(*source) for source in sorted(sources, key=lambda s: (s[1], s[0]))],
        providers=sorted({s.provider for s in found if s.provider}),
        endpoints=sorted({s.endpoint for s in found if s.endpoint}),
        requested_models=sorted({s.requested_model for s in found if s.requested_model}),
        reasoning_efforts=sorted({s.reasoning_effort for s in found if s.reasoning_effort}),
        tiers=sorted({s.tier for s in found if s.tier}),
        detail_from=_moment(reader.events_from),
    )


def events(asked: UsageFilter, page: int, page_size: int, before: str = "") -> answers.EventPage:
    """One page of kept events, newest first; NoSuchEvent when `before` names none that is stored."""
    return event_page(asked, page, page_size, before)


def latest(asked: UsageFilter, count: int, before: str = "") -> list[answers.EventRow]:
    """So many kept events, newest first, and nothing about how many there are; `before` as above."""
    return newest(asked, count, before)


def event(key: str) -> EventDetail:
    """One kept event in full, by its event key; NoSuchEvent when there is none."""
    timestamp, fingerprint = parse_key(key)
    found = event_detail(Event.objects.filter(timestamp=timestamp, fingerprint=fingerprint))
    if found is None:
        raise NoSuchEvent
    return found


def models_used(offered: list[str]) -> answers.Names:
    """Models CPA offers or a record named."""
    return answers.Names(items=sorted({*offered, *Model.objects.values_list("name", flat=True)}))


def _moment(us):
    return None if us is None else rfc3339_utc_us(us)
