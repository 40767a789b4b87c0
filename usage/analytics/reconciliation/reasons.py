"""Likely reasons of a difference between a bill and our records: of a row, and of the whole. Pure."""

from collections import defaultdict
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from django.utils.translation import gettext as _
from msgspec import Struct

from usage.analytics.reconciliation.pairs import Pair

CLOSE = 0.01  # a share within which two figures count as the same
OFFSET = 0.2  # of all differences of a model: what may be left of them when neighbouring days offset each other
NOTABLE = 0.05  # the share of a model's tokens that must differ before days are looked at
CENT = Decimal("0.01")


class Reason(Struct, frozen=True):
    """Why two sides probably differ."""

    code: str
    text: str


class Known(NamedTuple):
    """What the reasons of a row depend on beyond the row."""

    gaps: set[int]  # day numbers on which records may have been lost
    today: int  # the day number that is not over
    edges: set[int]  # day numbers within which the file may begin or end
    shifted: set[str]  # models of which neighbouring days offset each other
    zone: str  # with days that agree much better; "" for none
    factors: dict[str, Decimal]  # models that cost the same times one factor throughout


def reasons(pair: Pair, known: Known) -> list[Reason]:
    """The likely reasons of a row; none where it agrees."""
    if pair.agrees:
        return []
    if pair.ours is None or pair.theirs is None:
        found = [_lost(pair, known), _one_sided(pair)]
    else:
        found = [_lost(pair, known), _unfinished(pair, known), _unpriced(pair), _of_tokens(pair, known)]
        found.append(_of_cost(pair, known))
    return [reason for reason in found if reason]


def shifted(rows: list[Pair]) -> set[str]:
    """Models of which what is too much on a day is missing on its neighbours: their days begin at another time."""
    found = set()
    for model, pairs in _by_model(pair for pair in rows if pair.day is not None).items():
        numbers = [_difference(pair) for pair in pairs]
        whole = sum(abs(_size(pair)) for pair in pairs)
        apart = sum(map(abs, numbers))
        turns = any(a * b < 0 for a, b in pairwise(numbers))
        if turns and apart > NOTABLE * float(whole) and abs(sum(numbers)) <= OFFSET * float(apart):
            found.add(model)
    return found


def factors(rows: list[Pair]) -> dict[str, Decimal]:
    """Models that cost in the bill what they cost here, times one factor: all, else those with one on all days."""
    by_model = _by_model(rows)
    if common := _factor(rows):
        return dict.fromkeys(by_model, common)
    return {model: factor for model, pairs in by_model.items() if (factor := _factor(pairs))}


def _factor(pairs):
    """The one factor, to three digits, of at least two pairs with the same tokens; None where there is none but 1."""
    both = [pair for pair in pairs if pair.ours and pair.theirs and pair.cost is not None and _same_tokens(pair)]
    costs = [(pair.theirs.cost, pair.ours.amounts.cost) for pair in both]
    costs = [(theirs, ours) for theirs, ours in costs if ours > CENT and theirs > CENT]
    if len(costs) < 2:
        return None
    factor = sum(theirs for theirs, _ in costs) / sum(ours for _, ours in costs)
    if abs(factor - 1) < CLOSE:
        return None
    near = all(abs(theirs - ours * factor) <= max(theirs * Decimal(CLOSE), CENT) for theirs, ours in costs)
    return round(factor, 3) if near else None


def _by_model(rows):
    """Rows of which both sides are known, by model, in the order of days."""
    found = defaultdict(list)
    for pair in rows:
        if pair.ours and pair.theirs:
            found[pair.model].append(pair)
    return found


def _difference(pair):
    return pair.tokens if pair.tokens is not None else float(pair.cost or 0)


def _size(pair):
    return pair.theirs.total if pair.theirs.total is not None else float(pair.theirs.cost or 0)


def _same_tokens(pair):
    if pair.tokens is None:
        return True
    return abs(pair.tokens) <= CLOSE * _larger(pair.theirs.total, pair.ours.amounts.total)


def _follows_tokens(pair):
    """Whether the cost differs by about as much as the tokens do."""
    if not pair.tokens:
        return False
    tokens = abs(pair.tokens) / _larger(pair.theirs.total, pair.ours.amounts.total)
    return float(abs(pair.cost) / _larger(pair.theirs.cost, pair.ours.amounts.cost)) <= 2 * tokens


def _larger(one, other):
    """The larger size: a correction in a bill may be negative."""
    return max(abs(one), abs(other))


def _lost(pair, known):
    theirs_more = pair.ours is None or (_difference(pair) if pair.theirs else 0) > 0
    if theirs_more and (known.gaps if pair.day is None else pair.day in known.gaps):
        return Reason("gap", _("Records may have been lost in this time: there is a gap."))
    return None


def _unfinished(pair, known):
    if pair.day is not None and pair.day >= known.today:
        return Reason("unfinished", _("The day is not over, or the file was made before its end."))
    if pair.day in known.edges:
        return Reason("edge", _("The file may begin or end within this day."))
    return None


def _one_sided(pair):
    if pair.ours is None:
        text = _("Not in our records: it did not go through CPA, or the model has another name there.")
        return Reason("only_theirs", text)
    if pair.ours.failed == pair.ours.amounts.requests:
        return Reason("failed", _("All of these requests failed: the provider charges nothing for them."))
    return Reason("only_ours", _("Not in the file: another account paid, or the model has another name there."))


def _unpriced(pair):
    if pair.ours.unpriced and pair.theirs.cost:
        text = _("%(tokens)s tokens have no price here.") % {"tokens": f"{pair.ours.unpriced:,}"}
        return Reason("unpriced", text)
    return None


def _of_tokens(pair, known):
    """Why the tokens differ."""
    if not pair.tokens:
        return None
    return _zone(pair, known) or _of_requests(pair) or _rest_of_tokens(pair)


def _zone(pair, known):
    if pair.day is None:
        return None
    if known.zone:
        return Reason("zone", _("Days in %(zone)s agree much better.") % {"zone": known.zone})
    if pair.model in known.shifted:
        return Reason("zone", _("Neighbouring days offset each other: days seem to begin in another time zone."))
    return None


def _of_requests(pair):
    ours, more = pair.ours, pair.requests
    if more is None or more == 0:
        return None
    if more > 0:
        text = _("More requests at the provider (%(count)s): they did not go through CPA, or left no record.")
        return Reason("unseen", text % {"count": f"{more:,}"})
    if ours.failed >= -more:
        text = _("Failed requests here (%(count)s): the provider may count only what it answered.")
        return Reason("failed", text % {"count": f"{ours.failed:,}"})
    text = _("More requests here (%(count)s): another account paid for them.")
    return Reason("more_here", text % {"count": f"{-more:,}"})


def _rest_of_tokens(pair):
    if pair.tokens > 0 and pair.ours.without_tokens:
        text = _("Successes without any tokens (%(count)s): our records do not say what they used.")
        return Reason("without_tokens", text % {"count": f"{pair.ours.without_tokens:,}"})
    if pair.tokens > 0:
        return Reason("unseen", _("The provider counts more: some did not go through CPA, or left no record."))
    if pair.ours.failed:
        text = _("Failed requests here (%(count)s): the provider may count only what it answered.")
        return Reason("failed", text % {"count": f"{pair.ours.failed:,}"})
    return Reason("more_here", _("We count more: another account paid for some of it."))


def _of_cost(pair, known):
    """Why the cost differs, where tokens do not say it."""
    if pair.cost is None or abs(pair.cost) < CENT / 2 or not _same_tokens(pair) or _follows_tokens(pair):
        return None
    if pair.theirs.total is None and (reason := _zone(pair, known)):
        return reason
    if pair.model in known.factors:
        text = _("The file's cost is %(factor)s times ours throughout: a reseller's factor, or a discount.")
        return Reason("factor", text % {"factor": known.factors[pair.model]})
    return _one_hour(pair) or _cached(pair) or _price(pair)


def _one_hour(pair):
    billed = pair.theirs.cache_write_1h or 0
    missed = billed - (pair.ours.amounts.cache_write_1h or 0)
    if missed > 0 and pair.cost > 0:
        text = _("%(tokens)s tokens were written to cache for an hour, at a higher rate than we took.")
        return Reason("one_hour", text % {"tokens": f"{missed:,}"})
    if pair.theirs.cache_write_1h is None and pair.ours.unspecified and pair.cost > 0:
        text = _("%(tokens)s tokens were written to cache for a time CPA does not tell: an hour costs more.")
        return Reason("one_hour", text % {"tokens": f"{pair.ours.unspecified:,}"})
    return None


def _cached(pair):
    """Whether the two sides divide the same input differently."""
    if pair.theirs.cache_read is None or pair.theirs.total is None:
        return None
    more = pair.theirs.cache_read - pair.ours.amounts.cache_read
    if abs(more) <= CLOSE * abs(pair.theirs.total) or (more > 0) == (pair.cost > 0):  # reading a cache costs less
        return None
    if more > 0:
        text = _("The file has %(tokens)s more tokens as read from cache, at another rate.")
    else:
        text = _("The file has %(tokens)s fewer tokens as read from cache, at another rate.")
    return Reason("cached", text % {"tokens": f"{abs(more):,}"})


def _price(pair):
    if pair.theirs.total is None:
        return Reason("cost_only", _("The file has no tokens: its usage export tells more."))
    return Reason("price", _("The tokens agree: the price or the tier is another one than here."))
