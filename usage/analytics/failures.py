"""Why attempts failed, and whose: by status and by the message of the upstream."""

from collections import Counter, defaultdict
from typing import Annotated

from django.db.models import Count, Max, Window
from django.db.models.functions import Substr
from msgspec import Meta, Struct

from cpa_usage.http.lists import Listing, totals_of
from usage.analytics.events.bodies import spoken
from usage.models import Event, Series
from usage.models.labels import LABELS
from usage.models.querysets import MESSAGE_LENGTH
from usage.query.filters import UsageFilter
from usage.query.largest import MOST
from usage.query.names import names_of
from usage.query.reader import Reader
from usage.query.snapshots import snapshot
from usage.time.periods import rfc3339_utc_us

SHOWN = 50
WHOSE = 5  # values of each label of WHO
WHO = tuple(LABELS[name] for name in ("source", "api_key", "model"))
READ = 1000  # characters of a body that its text is looked for in


class Share(Struct, frozen=True):
    """How many failures have one value of a label."""

    key: Annotated[str, Meta(description="The value as the filter takes it.")]
    label: Annotated[str, Meta(description="The value as people read it.")]
    count: int


class Whose(Struct, frozen=True):
    """The values of a label among failures."""

    total: Annotated[int, Meta(description="How many values there are.")]
    most: Annotated[list[Share], Meta(description=f"The commonest {WHOSE} of them.")]


class Reason(Struct, frozen=True):
    """Failures that share a status and the beginning of a message."""

    status: int
    message: Annotated[str, Meta(description=f"The first {MESSAGE_LENGTH} characters of the body.")]
    count: int
    last: Annotated[str, Meta(description="When the newest of them began.")]
    text: Annotated[str, Meta(description="What a body says: of JSON its error message, of an HTML page its title.")]
    who: Annotated[dict[str, Whose], Meta(description="By `source` (account), `api_key` and `model`.")]


class StatusCount(Struct, frozen=True):
    """Failures with one status code, 0 for those without one."""

    status: int
    count: int


class Failures(Listing, frozen=True, kw_only=True):
    """The commonest reasons among the kept events of a period."""

    total: int
    by_status: list[StatusCount]
    reasons: list[Reason]


@snapshot()
def failures(filters: UsageFilter, limit: int = SHOWN) -> Failures:
    """Failures by status and message, the most common first; only kept events count."""
    period = Reader.of(filters).kept().filters.period
    events = Event.objects.filter(failed=True).between(period.start, period.end).matching(filters).with_message()
    statuses = _counted(events, "fail_status_code").order_by("-n", "fail_status_code")[:MOST]
    said = events.annotate(said=Substr("fail_body", 1, READ))
    found = _counted(said, "fail_status_code", "message", body=Max("said")).order_by("-n", "-last")[:limit]
    found, reasons = list(found), []
    who = _whose(events, [message for _, message, *_ in found])
    for status, message, n, last, _, body in found:
        reasons.append(Reason(status, message, n, rfc3339_utc_us(last), spoken(body), who[status, message]))
    return Failures(
        total=events.count(),
        by_status=[StatusCount(status, n) for status, n, *_ in statuses],
        reasons=reasons,
        totals=totals_of(reasons=(found[0][4] if found else 0, reasons)),
    )


def _counted(events, *by, **more):
    """Rows of (*by, how many, µs of the newest, how many such rows there are, *more)."""
    counts = {"n": Count("id"), "last": Max("timestamp"), "groups": Window(Count("*")), **more}
    return events.values_list(*by).annotate(**counts).values_list(*by, *counts)


def _whose(events, messages):
    """{(status, message): Reason.who} of failures with these messages."""
    rows = events.filter(message__among=messages).values_list("fail_status_code", "message", "series")
    rows = list(rows.annotate(n=Count("id")).order_by())
    series = Series.objects.filter(id__among={row[2] for row in rows})
    values = {id: found for id, *found in series.values_list("id", *(label.column for label in WHO))}
    counts = defaultdict(lambda: [Counter() for _ in WHO])
    for status, message, id, n in rows:
        for counter, value in zip(counts[status, message], values[id], strict=True):
            counter[value] += n
    names = [names_of(label, {found[place] for found in values.values()}) for place, label in enumerate(WHO)]
    return {reason: _most(counters, names) for reason, counters in counts.items()}


def _most(counters, names):
    """{label: its commonest values}, of the counts of values and their names, for each of WHO."""
    found = {}
    for label, counter, known in zip(WHO, counters, names, strict=True):
        ranked = sorted(counter.items(), key=lambda pair: (-pair[1], pair[0]))
        found[label.name] = Whose(len(ranked), [Share(*known[value], n) for value, n in ranked[:WHOSE]])
    return found
