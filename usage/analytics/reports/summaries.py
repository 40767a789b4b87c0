"""A period in a few hundred bytes, for a status bar."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, json

from usage.analytics.answers import PICO
from usage.models import MEASURES
from usage.models.labels import LABELS
from usage.query.filters import UsageFilter
from usage.query.largest import largest
from usage.query.names import names_of
from usage.query.reader import Reader
from usage.query.snapshots import snapshot

MOST = 5  # groups
NAME_BYTES = 40  # of a name in JSON: with all names so long the reply still has less than a kilobyte
BY = {"key": "api_key", "model": "model", "account": "source", "provider": "provider", "endpoint": "endpoint"}
BY |= {"owner": "owner"}


class Amount(Struct, frozen=True, kw_only=True):
    """What was used."""

    requests: Annotated[int, Meta(description="Attempts, as pages count requests: retries too.")]
    failed: int
    tokens: int
    cost: Annotated[float, Meta(description="US dollars, to the hundredth of a cent.")]
    unpriced: Annotated[int, Meta(description="Successes of unknown cost.")]


class Group(Amount, frozen=True, kw_only=True):
    """What one group used."""

    name: Annotated[str, Meta(description="How to show it; a long one is cut and ends with …")]


class Brief(Amount, frozen=True, kw_only=True):
    """A period, its largest groups, and the others together."""

    by: str
    groups: list[Group]
    others: Annotated[Amount | UnsetType, Meta(description="All other groups; absent where none is left.")] = UNSET


@snapshot()
def summary(filters: UsageFilter, by: str) -> Brief:
    """Totals and the groups with most cost, in at most 1,000 bytes. For more, see breakdown."""
    label = LABELS[BY[by]]
    found = largest(Reader.of(filters), (label.column,), "cost", MOST, ("cost", "requests"))
    names = names_of(label, {value for (value,) in found.rows})
    groups = [Group(name=_cut(names[v][1] or names[v][0]), **_amount(row)) for (v,), row in found.rows.items()]
    groups.sort(key=lambda group: (-group.cost, -group.requests, group.name))
    total = list(map(sum, zip(*found.rows.values(), found.others, strict=True)))
    rest = Amount(**_amount(found.others)) if found.left_out else UNSET
    return Brief(by=by, groups=groups, others=rest, **_amount(total))


def _amount(row):
    at = dict(zip(MEASURES, row, strict=True))
    counts = {"requests": at["requests"], "failed": at["failed"], "tokens": at["total"]}
    return counts | {"cost": round(at["cost"] / PICO, 4), "unpriced": at["unpriced_requests"]}


def _cut(name):
    """The name, in at most NAME_BYTES of JSON."""
    if len(json.encode(name)) <= NAME_BYTES:
        return name
    while len(json.encode(f"{name}…")) > NAME_BYTES:
        name = name[:-1]
    return f"{name}…"
