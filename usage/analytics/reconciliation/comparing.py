"""A bill and our records compared: totals, models, days, and the likely reasons of what differs."""

from collections import defaultdict
from datetime import date
from typing import NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _

from usage.analytics.reconciliation.reasons import explained, known_of
from usage.analytics.reconciliation.records import gap_days, records
from usage.analytics.reconciliation.rows import Row, rows_of, together
from usage.query.filters import UsageFilter
from usage.query.snapshots import snapshot
from usage.reconcile.bills import Bill
from usage.time.periods import date_of


class Comparison(NamedTuple):
    """A provider's file compared with our records of the same days."""

    bill: Bill
    first: date
    last: date
    total: Row
    models: list[Row]
    differing: list[Row]  # days of models
    all: int  # how many days of models there are
    notes: list[str]


@snapshot()
def reconcile(filters: UsageFilter, bill: Bill) -> Comparison:
    """The bill against our records of its days, of the labels of the filter; the model that differs most is first."""
    ours, local_before = records(filters, bill)
    rows = rows_of(bill, ours)
    by_model = defaultdict(list)
    for row in rows:
        by_model[row.model].append(row)
    known = known_of(by_model, gap_days(bill))
    models = [explained(together(found, model), known) for model, found in by_model.items()]
    return Comparison(
        bill=bill,
        first=date_of(bill.days[0]),
        last=date_of(bill.days[-1]),
        total=together(rows),
        models=sorted(models, key=lambda row: (-abs(row.cost or 0), -abs(row.tokens or 0), row.model)),
        differing=[explained(row, known) for row in rows if not row.agrees],
        all=len(rows),
        notes=_notes(bill, local_before),
    )


def _notes(bill, local_before):
    """What is to be said about the comparison as a whole."""
    found = []
    if local_before is not None and bill.zone != settings.TIME_ZONE:
        text = _("Before %(day)s only totals of days in %(ours)s are kept: they stand for days in %(theirs)s.")
        found.append(text % {"day": date_of(local_before), "ours": settings.TIME_ZONE, "theirs": bill.zone})
    if bill.currency:
        found.append(
            _("Money in %(currency)s is left out: only US dollars are compared.") % {"currency": bill.currency}
        )
    if bill.left_out:
        text = _("%(count)s lines are no usage of models (other services, credits, taxes) and were left out.")
        found.append(text % {"count": f"{bill.left_out:,}"})
    return found
