"""Likely reasons of a difference between a bill and our records: small functions, each a sentence or "". Pure."""

from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from django.utils.translation import gettext as _

from usage.analytics.reconciliation.rows import NOTHING, Row

CLOSE = Decimal("0.01")  # a share within which two figures count as the same
OFFSET = 0.2  # of all differences of a model: what may be left of them when neighbouring days offset each other
CENT = Decimal("0.01")


class Known(NamedTuple):
    """What the reasons of a row depend on beyond the row."""

    gaps: set[date]  # days on which records may have been lost
    shifted: set[str]  # models of which neighbouring days offset each other
    factors: dict[str, Decimal]  # models that cost the same times one factor throughout


def explained(row: Row, known: Known) -> Row:
    """The row with its likely reasons; none where it agrees."""
    if row.agrees:
        return row
    found = [text for reason in REASONS if (text := reason(row, known))]
    return row._replace(reasons=tuple(found or [_unknown(row)]))


def known_of(by_model: dict[str, list[Row]], gaps: set[date]) -> Known:
    """What the days of each model tell, in their order; a factor is that of all models, else of those with one."""
    every = _factor([row for rows in by_model.values() for row in rows])
    factors = {model: every or _factor(rows) for model, rows in by_model.items()}
    shifted = {model for model, rows in by_model.items() if _offset_each_other(rows)}
    return Known(gaps, shifted, {model: factor for model, factor in factors.items() if factor})


def _offset_each_other(rows):
    """Whether what is too much on a day is missing on its neighbours."""
    more = [float(_size(row)) for row in rows if NOTHING not in (row.ours, row.theirs)]
    apart = sum(abs(each) for each in more)
    return any(one * other < 0 for one, other in pairwise(more)) and abs(sum(more)) <= OFFSET * apart


def _factor(rows):
    """The one factor, to three digits, of at least two rows with the same tokens; None where there is none but 1."""
    both = [row for row in rows if min(row.ours.cost or 0, row.theirs.cost or 0) > CENT and _same_tokens(row)]
    if len(both) < 2:
        return None
    factor = sum(row.theirs.cost for row in both) / sum(row.ours.cost for row in both)
    near = all(abs(row.theirs.cost - row.ours.cost * factor) <= max(row.theirs.cost * CLOSE, CENT) for row in both)
    return round(factor, 3) if near and abs(factor - 1) >= CLOSE else None


def _size(row):
    """How much more the bill has: in tokens, or in dollars where it has none."""
    return (row.cost if row.tokens is None else row.tokens) or 0


def _same_tokens(row):
    return abs(row.tokens or 0) <= CLOSE * abs(row.theirs.total or 0)


def _gap(row, known):
    lost = known.gaps if row.day is None else row.day in known.gaps
    return _("Records may have been lost in this time: there is a gap.") if lost and _size(row) > 0 else ""


def _one_sided(row, known):
    if row.model in known.shifted:
        return ""
    if row.ours == NOTHING:
        return _("Not in our records: it did not go through CPA, or the model has another name there.")
    if row.theirs == NOTHING:
        return _("Not in the file: another account paid, or the model has another name there.")
    return ""


def _unpriced(row, known):
    if not (row.ours.unpriced and row.theirs.cost):
        return ""
    return _("%(tokens)s tokens have no price here.") % {"tokens": f"{row.ours.unpriced:,}"}


def _shifted(row, known):
    if row.day is None or row.model not in known.shifted or (row.tokens is not None and _same_tokens(row)):
        return ""
    return _("Neighbouring days offset each other: the file seems to count days in another time zone.")


def _constant_factor(row, known):
    if row.model not in known.factors or row.cost is None or not _same_tokens(row):
        return ""
    text = _("The file's cost is %(factor)s times ours throughout: a reseller's factor, or a discount.")
    return text % {"factor": known.factors[row.model]}


def _one_hour(row, known):
    if not row.cost or row.cost < 0 or not _same_tokens(row):
        return ""
    missed = (row.theirs.cache_write_1h or 0) - (row.ours.cache_write_1h or 0)
    if row.theirs.cache_write_1h is None:
        missed = row.ours.cache_write_unspecified or 0
    text = _("%(tokens)s tokens were written to cache, likely for an hour, at a higher rate than we took.")
    return text % {"tokens": f"{missed:,}"} if missed > 0 else ""


REASONS = (_gap, _one_sided, _unpriced, _shifted, _constant_factor, _one_hour)


def _unknown(row):
    """The sentence for a difference that no reason fits."""
    if row.tokens is None:
        return _("Unknown: the file has no tokens; a usage export tells more.")
    if row.tokens:
        return _("Unknown: requests may have failed, have gone past CPA, or be another account's.")
    return _("Unknown: the tokens agree, so the price or the tier is another one.")
