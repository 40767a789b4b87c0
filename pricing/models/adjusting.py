"""The verbs of adjustments: each costs again what the provider, account or client key was ever used for.

They stand apart from the table because they need the book, which reads it.
"""

from collections.abc import Callable
from copy import copy
from datetime import date

from django.utils import timezone

from pricing.book import FIELDS_OF
from pricing.history import price_history
from pricing.models.adjustments import Adjustment
from pricing.models.repricing import book_after, repricing
from pricing.models.scopes import value_in
from pricing.precedence import changed_from


def enter(scope: str, value: str, valid_from: date | None = None, **fields):
    """Set the fields of an adjustment of a provider, an account or a client key, as entered(); ValidationError before
    anything is written.
    """
    put(entered(scope, value, valid_from, **fields))


def entered(scope: str, value: str, valid_from: date | None = None, **fields) -> Adjustment:
    """An unsaved adjustment with these fields of a provider, an account or a client key, which may be given as it is;
    ValidationError where it cannot be.

    From a local date on, in place of the one that begins there, if any. Without a date: the one in force today changes;
    where all lie ahead, one begins today; where there is none, one holds for all history.
    """
    others = {each.valid_from: each for each in adjustments_of(scope, value)}
    day = valid_from or changed_from(others.values(), timezone.localdate())
    adjustment = others.get(day) or Adjustment(scope=scope, value=value, valid_from=day)
    for name, wanted in fields.items():
        setattr(adjustment, name, wanted)
    adjustment.full_clean()
    return adjustment


def put(adjustment: Adjustment):
    """Save a valid adjustment, new or altered, but not its scope or value."""
    with _recosting(adjustment.scope, adjustment.value):
        adjustment.save()


def drop(adjustment: Adjustment):
    """Delete an adjustment; the one before it, if any, holds on its days."""
    with _recosting(adjustment.scope, adjustment.value):
        adjustment.delete()


def clear(scope: str, value: str, valid_from: date | None = None):
    """Delete the adjustments of a provider, an account or a client key, or the one that begins on a local date."""
    found = adjustments_of(scope, value)
    if valid_from is not None:
        found = found.filter(valid_from=valid_from)
    with _recosting(scope, value_in(scope, value)):
        found.delete()


def put_back(scope: str, value: str, rows: list[dict]):
    """Adjustments with these fields in place of all that a provider, an account or a client key has now."""
    with _recosting(scope, value_in(scope, value)):
        adjustments_of(scope, value).delete()
        for fields in rows:
            entered(scope, value, **fields).save()


def effect_of(change: Callable[[Adjustment], object], adjustment: Adjustment, name=None):
    """What put() or drop() would do to the costs of the past: `change` saves or deletes, and nothing is kept.

    `name`: see PriceHistory.
    """
    book = book_after(lambda: change(copy(adjustment)))
    return price_history().effect_of(_usage(adjustment.scope, adjustment.value), book, name)


def adjustments_of(scope: str, value: str):
    """All adjustments of a provider, an account or a client key, which may be given as it is."""
    return Adjustment.objects.filter(scope=scope, value=value_in(scope, value))


def _recosting(scope, value):
    return repricing(lambda _, book: price_history().recost(_usage(scope, value), book, book))


def _usage(scope, value):
    return dict.fromkeys(FIELDS_OF[scope], value)
