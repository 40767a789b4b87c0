"""Totals by upstream account: from those kept ready for sources where a source is one account, else from series."""

from django.db.models import Sum

from usage.models import Cut, CutQuarter, Quarter, Series
from usage.models.labelled import labelled
from usage.query.reader import Reader
from usage.query.snapshots import once
from usage.query.sums import add_up

Account = tuple[str, str, str]  # source, how to show it, auth_index: see Labelled.account
Spent = dict[int, tuple[int, int, int]]  # quarter in seconds -> requests, failed, pico-USD


def per_account(reader: Reader) -> dict[Account, list[int]]:
    """Measures of the period by account."""
    if accounts := _by_source(reader):
        sums = reader.per_value(Cut.Label.SOURCE, lambda series: _labels(reader.asked)[series].source)
        return {accounts[source]: row for source, row in sums.items() if any(row)}
    labels = _labels(reader.asked)
    return add_up((labels[series].account, row) for series, row in reader.per_series().items())


def last_seen(reader: Reader) -> dict[Account, int]:
    """The newest quarter hour (seconds) of each account, whatever the period."""
    if accounts := _by_source(reader):
        cuts = Cut.objects.filter(label=Cut.Label.SOURCE, failed=bool(reader.result))
        found = ((accounts[source], last) for source, last in cuts.last_quarters() if source in accounts)
    else:
        labels = _labels(reader.asked)
        found = ((labels[id].account, last) for id, last in Series.objects.matching(reader.asked).last_quarters())
    seen: dict[Account, int] = {}
    for account, last in found:
        if last is not None:
            seen[account] = max(last, seen.get(account, 0))
    return seen


def per_quarter(reader: Reader, since: int) -> dict[tuple[str, str], Spent]:
    """By (source, auth_index) what each quarter hour from `since` (seconds) on saw, whatever the period."""
    found: dict[tuple[str, str], Spent] = {}
    if accounts := _by_source(reader):
        rows = CutQuarter.objects.between(since, None).of_values(Cut.Label.SOURCE, bool(reader.result))
        for source, bucket, *counts in rows.values_list("cut__value", "bucket", "requests", "failed", "cost"):
            if source in accounts:
                found.setdefault((source, accounts[source][2]), {})[bucket] = tuple(counts)
        return found
    rows = Quarter.objects.between(since, None).matching(reader.asked)
    sums = rows.values_list("series__source", "series__auth_index", "bucket").annotate(
        n=Sum("requests"), bad=Sum("failed"), pico=Sum("cost")
    )
    for source, auth_index, bucket, *counts in sums.order_by():
        found.setdefault((source, auth_index), {})[bucket] = tuple(map(int, counts))
    return found


@once
def _by_source(reader) -> dict[str, Account] | None:
    """The account of each source; None where a source is several, or where totals of sources do not tell.

    What succeeded is a difference of totals: of that nobody knows when it was seen last.
    """
    if not reader.by_value or reader.result is False:
        return None
    labels = ("source", "source_display", "auth_index")
    accounts = set(Series.objects.matching(reader.asked).order_by().values_list(*labels).distinct())
    found = {account[0]: account for account in accounts}
    return found if len(found) == len(accounts) else None


@once
def _labels(asked):
    return labelled(Series.objects.matching(asked))
