"""A slow second implementation of usage.analytics: every answer computed from a plain list of records, no rollups."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from usage.records import record as records
from usage.time.periods import day_start

SECOND, HOUR = 1_000_000, 3600
QUARTER = 900
NEAR = 60 * SECOND
EPOCH = date(1970, 1, 1)
CLASSES = (
    *("uncached", "cache_read", "cache_write", "cache_write_1h", "cache_write_unspecified"),
    *("output", "reasoning", "unclassified"),
)
SUMMED = (*CLASSES, "total")


class Attempt:
    """One record, with what only a look at all of them or at the prices tells."""

    def __init__(self, record, order, zone):
        self.record, self.order, self.final = record, order, False
        self.at = record.timestamp
        self.day = local_date(self.at, zone)
        self.quarter = self.at // SECOND // QUARTER * QUARTER
        self.cost = self.costs = None

    @property
    def group(self):
        r = self.record
        if r.api_key:
            return r.api_key, r.api_key_mask
        name = r.provider or r.endpoint or "unknown"
        return name, name

    @property
    def is_empty(self):
        return not self.record.failed and not any(getattr(self.record, name) for name in SUMMED)

    @property
    def account(self):
        r = self.record
        return r.source, r.source_display, r.auth_index


def local_date(us, zone):
    """The local day [first instant, next day's first instant) of a moment."""
    day = datetime.fromtimestamp(us // SECOND, ZoneInfo(zone)).date()
    while midnight(day + timedelta(days=1), zone) <= us:
        day += timedelta(days=1)
    return day


def midnight(day, zone):
    """First instant of a local date, µs."""
    return day_start(day, zone) * SECOND


class Reference:
    """All attempts ever stored, in the order in which they were."""

    def __init__(self, raws, zone, now, price):
        """`price` gives {class: pico-USD} of a (record, local date), or None."""
        found = {raw: records.parse(raw, now) for raw in raws}.values()
        self.zone, self.now, self.events_from = zone, now, None
        self.attempts = [Attempt(record, order, zone) for order, record in enumerate(found)]
        for request in requests_of(self.attempts):
            max(request, key=lambda a: (not a.record.failed, a.at, -a.order)).final = True
        for attempt in self.attempts:
            attempt.costs = price(attempt.record, attempt.day)
            # No price here has a fee, or is free: what no tokens are told of is of unknown cost.
            unknown = attempt.costs is None or attempt.is_empty
            attempt.cost = None if unknown else sum(attempt.costs.values())

    # --- What counts --------------------------------------------------------------------------------------------------

    def kept(self, attempt):
        return self.events_from is None or attempt.at >= self.events_from

    def counted(self, asked, start, end):
        """Attempts of a period: kept ones by their time, older ones with their whole day if its midnight is in it."""
        return [
            a
            for a in self.attempts
            if asked.admits(a) and within(a.at if self.kept(a) else midnight(a.day, self.zone), start, end)
            if self.kept(a) or not asked.of_events
        ]

    def counted_in_detail(self, asked, start, end):
        return [a for a in self.attempts if self.kept(a) and asked.admits(a) and within(a.at, start, end)]

    # --- The questions ------------------------------------------------------------------------------------------------

    def overview(self, asked, start, end):
        found, detail = self.counted(asked, start, end), self.counted_in_detail(asked, start, end)
        per_day, per_hour = grouped(found, lambda a: a.day), grouped(detail, lambda a: a.at // SECOND // HOUR * HOUR)
        first, last = self.covered(start, end)
        shown = max(first, (self.events_from or 0) // SECOND)
        hours_from = first if last - first <= 31 * 24 * HOUR else -(-last // HOUR) * HOUR - 7 * 24 * HOUR
        grid_days = self.days(shown, last)[-31:] if shown < last else []
        return {
            "summary": figures(found),
            "hourly_series": [
                {"bucket": utc(h), **figures(per_hour[h])}
                for h in range(max(hours_from, shown) // HOUR * HOUR, last, HOUR)
            ],
            "daily_series": [
                {"bucket": self.local_midnight(day), **figures(per_day[day])} for day in self.days(first, last)
            ],
            "health_grid": [self.cells(detail, day, QUARTER) for day in grid_days],
            "detail_from": self.detail_from(),
        }

    def covered(self, start, end):
        """Seconds [first, last) that series show."""
        if start is None:
            start = midnight(min(a.day for a in self.attempts), self.zone)
        if end is None:
            newest = max((a.quarter for a in self.attempts if self.kept(a)), default=-QUARTER) + QUARTER
            end = max(self.now, newest * SECOND, start + 1)
        return start // SECOND, -(-end // SECOND)

    def days(self, first, last):
        """Local dates that overlap [first, last) seconds."""
        day, found = local_date(first * SECOND, self.zone), []
        while midnight(day, self.zone) < last * SECOND:
            found.append(day)
            day += timedelta(days=1)
        return found

    def cells(self, attempts, day, width):
        first, after = (midnight(d, self.zone) // SECOND for d in (day, day + timedelta(days=1)))
        per_cell = grouped(attempts, lambda a: (a.at // SECOND - first) // width)
        return [cell(utc(at), per_cell[nth]) for nth, at in enumerate(range(first, after, width))]

    def health(self, asked, year, day):
        found = [a for a in self.attempts if asked.admits(a) and (self.kept(a) or not asked.of_events)]
        dates = [date(year, 1, 1) + timedelta(days=n) for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)]
        per_day, per_year = grouped(found, lambda a: a.day), grouped(found, lambda a: a.day.year)
        cells = self.cells([a for a in found if self.kept(a)], day, 300)
        gone = self.events_from is not None and midnight(day + timedelta(days=1), self.zone) <= self.events_from
        return {
            "year": year,
            "start": self.local_midnight(dates[0]),
            "end": self.local_midnight(dates[-1] + timedelta(days=1)),
            "days": [{"date": str(d), **cell(self.local_midnight(d), per_day[d])} for d in dates],
            "years": [{"year": year, "total": len(rows)} for year, rows in sorted(per_year.items())],
            "selected_day": str(day),
            "detail": [] if gone else [cells[n : n + 48] for n in range(0, len(cells), 48)],
            "detail_from": self.detail_from(),
        }

    def analysis(self, asked, start, end):
        found = self.counted(asked, start, end)
        by_api, by_model, both = (grouped(found, key) for key in (_group, _model, lambda a: (*_group(a), *_model(a))))
        names = ("api_group_key", "api_group_display", "model")
        return {
            "by_api": [named(names[:2], key, rows) for key, rows in most_first(by_api)],
            "by_model": [named(names[2:], key, rows) for key, rows in most_first(by_model)],
            "by_api_and_model": [named(names, key, rows) for key, rows in most_first(both)],
            "detail_from": self.detail_from(),
        }

    def credentials(self, asked, start, end):
        rows = grouped(self.counted(asked, start, end), lambda a: a.account)
        sources = [source for source, _, _ in rows]
        return {
            "items": [
                named(("source", "source_display", "auth_index"), account, found)
                | dict.fromkeys(("name", "email", "provider", "status"), "")
                | {"last_seen": self.last_seen(asked, account), "fee_account": fee_account(account, sources)}
                | {"fee_usd_per_month": None, "fee_usd": None}
                for account, found in most_first(rows)
            ],
            "detail_from": self.detail_from(),
        }

    def last_seen(self, asked, account):
        times = [a.at for a in self.attempts if self.kept(a) and asked.admits_labels(a) and a.account == account]
        return utc(max(times) // SECOND) if times else None

    def filter_options(self, asked, start, end):
        found = [a.record for a in self.counted(asked, start, end)]
        keys = {(r.api_key or "unknown", r.api_key_mask or "no key") for r in found}
        sources = {(r.source, r.source_display) for r in found if r.source}
        return {
            "models": sorted({r.model for r in found}),
            "sources": sorted(source for source, _ in sources),
            "api_key_options": [
                {"api_key": key, "label": label} for key, label in sorted(keys, key=lambda k: (k[1], k[0]))
            ],
            "source_options": [
                {"source": source, "label": label} for source, label in sorted(sources, key=lambda s: (s[1], s[0]))
            ],
            "providers": sorted({r.provider for r in found if r.provider}),
            "endpoints": sorted({r.endpoint for r in found if r.endpoint}),
            "requested_models": sorted({r.requested_model for r in found if r.requested_model}),
            "reasoning_efforts": sorted({r.reasoning_effort for r in found if r.reasoning_effort}),
            "tiers": sorted({r.tier for r in found if r.tier}),
            "detail_from": self.detail_from(),
        }

    def breakdown(self, asked, start, end, name):
        """{(key, label) of a dimension: figures} of the period."""
        return {key: figures(rows) for key, rows in grouped(self.counted(asked, start, end), named_by(name)).items()}

    def tokens(self, asked, start, end):
        """{class: (tokens, cost in USD)} of the period."""
        found = self.counted(asked, start, end)
        costs = [a.costs for a in found if a.costs is not None]
        return {
            name: (sum(getattr(a.record, name) for a in found), sum(cost[name] for cost in costs) / 10**12)
            for name in SUMMED[:-1]
        }

    def failures(self, asked, start, end):
        """{(status, what was said): (how many, newest)} of the kept detail."""
        failed = [a for a in self.counted_in_detail(asked, start, end) if a.record.failed]
        rows = grouped(failed, lambda a: (a.record.fail_status_code, said(a.record)))
        return {key: (len(found), max(a.at for a in found)) for key, found in rows.items()}

    def events(self, asked, start, end):
        """(key, cost in USD, final) of every kept event, newest first."""
        found = sorted(self.counted_in_detail(asked, start, end), key=lambda a: (-a.at, -a.order))
        return [
            (
                f"{a.at:x}-{a.record.fingerprint.hex()}",
                None if a.cost is None else a.cost / 10**12,
                a.final,
            )
            for a in found
        ]

    def detail_from(self):
        return None if self.events_from is None else instant(self.events_from)

    def local_midnight(self, day):
        return datetime.fromtimestamp(midnight(day, self.zone) // SECOND, ZoneInfo(self.zone)).isoformat()


def requests_of(attempts):
    """Client requests: attempts joined as long as any two of two groups belong together."""
    groups = []
    for a in attempts:
        joined = [group for group in groups if any(together(a.record, other.record) for other in group)]
        groups = [group for group in groups if group not in joined] + [[a, *(x for group in joined for x in group)]]
    return groups


def together(a, b):
    """Whether two records belong to one request, seen by themselves."""
    if not a.request_id or a.endpoint.startswith("GET ") or kin(a) != kin(b):
        return False
    near = (abs(x.timestamp + x.latency_ms * 1000 - y.timestamp) <= NEAR for x, y in ((a, b), (b, a)))
    return a.timestamp == b.timestamp or any(near)


def kin(r):
    return r.request_id, r.api_key, r.requested_model, r.endpoint


def within(at, start, end):
    return (start is None or at >= start) and (end is None or at < end)


def figures(attempts):
    """A measures object."""
    found = [a.record for a in attempts]
    sums = {name: sum(getattr(r, name) for r in found) for name in SUMMED}
    failed = sum(r.failed for r in found)
    return {
        "total": len(found),
        "success": len(found) - failed,
        "failed": failed,
        "input_tokens": sums["uncached"],
        "output_tokens": sums["output"] + sums["reasoning"],
        "reasoning_tokens": sums["reasoning"],
        "cached_tokens": sums["cache_read"],
        "cache_read_tokens": sums["cache_read"],
        "cache_creation_tokens": sums["cache_write"] + sums["cache_write_1h"] + sums["cache_write_unspecified"],
        "cache_creation_1h_tokens": sums["cache_write_1h"],
        "total_tokens": sums["total"],
        "cost": sum(a.cost or 0 for a in attempts) / 10**12,
        "unpriced_tokens": sum(a.record.total for a in attempts if a.costs is None),
        "unpriced_requests": sum(not a.record.failed and a.cost is None for a in attempts),
        "without_tokens": sum(a.is_empty for a in attempts),
        "client_requests": sum(a.final for a in attempts),
        "client_failed": sum(a.final and a.record.failed for a in attempts),
    }


def cell(bucket, attempts):
    return {"bucket": bucket, "total": len(attempts), "failed": sum(a.record.failed for a in attempts)}


def grouped(attempts, key):
    rows = defaultdict(list)
    for a in attempts:
        rows[key(a)].append(a)
    return rows


def named(names, key, attempts):
    return {**figures(attempts), **dict(zip(names, key, strict=True))}


def most_first(rows):
    return sorted(rows.items(), key=lambda item: (-len(item[1]), item[0]))


def named_by(name):
    """What gives an attempt's (key, label) of a dimension; no key has an owner here, so each counts for itself."""
    name = "api_key" if name == "owner" else name
    shown = {"source": "source_display", "api_key": "api_key_mask"}.get(name, name)
    empty = ("unknown", "no key") if name == "api_key" else ("(none)", "")
    return lambda a: (getattr(a.record, name) or empty[0], getattr(a.record, shown) or empty[1])


def said(record):
    """The beginning of what the upstream said; nothing for blanks alone."""
    return record.fail_body[:160] if record.fail_body.strip() else ""


def _group(a):
    return a.group


def _model(a):
    return (a.record.model,)


def fee_account(account, sources):
    """The name under which a fee of an account is entered: its source, unless others have it as well."""
    source, _, auth_index = account
    return source if source and sources.count(source) == 1 else auth_index


def utc(seconds):
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def instant(us):
    """RFC 3339 with as many decimals as it needs."""
    decimals = f".{us % SECOND:06d}".rstrip("0").rstrip(".")
    return utc(us // SECOND)[:-1] + decimals + "Z"
