"""One account: its windows with what they counted, those that are over, its indexes, and the states it was in."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from msgspec import Meta, Struct, convert

from catalog.models import AccountState
from usage.analytics.accounts.accounts import filled
from usage.analytics.accounts.credentials import Credential
from usage.analytics.accounts.folding import Account, folded
from usage.analytics.accounts.quotas import Window, ended_windows
from usage.analytics.answers import PICO, Instant, instant
from usage.analytics.breakdowns import Breakdown, breakdown
from usage.analytics.failures import Failures, failures
from usage.models import MEASURES, PastReading
from usage.query.filters import UsageFilter
from usage.query.reader import Reader
from usage.query.snapshots import snapshot
from usage.time.clock import now_us
from usage.time.periods import Period
from usage.time.units import QUARTER_US, SECOND_US

COUNTED = ("requests", "total", "cost")
ENDED, STATES, KEYS, MESSAGES = 20, 20, 10, 10  # shown


class WindowUse(Struct, frozen=True, kw_only=True):
    """A window of a quota, and what the account was used for while it lasted."""

    window: Annotated[Window, Meta(description="As the upstream last said; of one that is over, with its largest use.")]
    start: Instant
    end: Instant
    requests: Annotated[int | None, Meta(description="Attempts; null for a model's own quota, where it is not known.")]
    total_tokens: int | None
    cost: float | None


class State(Struct, frozen=True, kw_only=True):
    """A state that CPA gave an account, until the next."""

    auth_index: str
    state: str
    message: str
    since: datetime


class AccountDetail(Struct, frozen=True, kw_only=True):
    """One account in full."""

    account: Account
    indexes: Annotated[list[Credential], Meta(description="What each of its auth indexes was used for, and its state.")]
    present: Annotated[list[WindowUse], Meta(description="Windows that last, exactly from their beginning.")]
    ended: Annotated[
        list[WindowUse],
        Meta(description="Windows that are over, the newest first, by the quarter hours that began in them."),
    ]
    states: Annotated[list[State], Meta(description="Of its auth files, the newest first.")]
    keys: Annotated[Breakdown, Meta(description="Who used it in the period.")]
    failures: Annotated[Failures, Meta(description="Why attempts failed in the period.")]


@snapshot()
def account(filters: UsageFilter, account: str) -> AccountDetail:
    """One account: its usage of the period (no other filter counts), its windows, also those that are over as far
    as is stored, the states it was in, who used it, and why attempts failed."""
    plain, now = UsageFilter(filters.period), now_us()
    everyone = folded(plain)
    one = next((each for each in everyone if account in {each.account.id, *each.account.auth_indexes}), None)
    if one is None:
        raise ValidationError({"account": _("No such account was used in this range, and CPA lists none.")})
    found, own = filled(plain, [one])[0], replace(plain, labels=one.labels)
    indexes = found.auth_indexes
    live = [quota.window for quota in found.quotas if quota.window.begun_at is not None and not quota.over]
    return AccountDetail(
        account=found,
        indexes=one.rows,
        present=[_present(window, own, now) for window in live],
        ended=_ended(indexes, own, now),
        states=_states(indexes),
        keys=breakdown(own, "api_key", KEYS, "requests"),
        failures=failures(own, MESSAGES),
    )


def _present(window, own, now) -> WindowUse:
    measures = Reader.of(own.with_period(Period(window.begun_at, now))).total()
    return _use(window, window.begun_at, window.resets_at, [measures[MEASURES.index(name)] for name in COUNTED])


def _ended(indexes, own, now) -> list[WindowUse]:
    said = PastReading.objects.filter(auth_index__among=sorted(indexes)).order_by("seen_at")
    found = ended_windows(said.values_list("headers", "seen_at"), now)[:ENDED]
    if not found:
        return []
    start = min(each.start for each in found) // QUARTER_US * QUARTER_US
    end = -(-max(each.end for each in found) // QUARTER_US) * QUARTER_US
    reader = Reader.of(own.with_period(Period(start, end)))
    rows = [(row.bucket, row.measures) for row in reader.rows(reader.plan_of_detail(start, end), names=COUNTED)]
    return [
        _use(each.window, each.start, each.end, _sum(rows, each.start // SECOND_US, each.end // SECOND_US))
        for each in found
    ]


def _sum(rows, start, end):
    inside = [measures for bucket, measures in rows if start <= bucket < end]
    return list(map(sum, zip(*inside, strict=True))) or [0] * len(COUNTED)


def _use(window, start, end, counted) -> WindowUse:
    requests, tokens, pico = [None] * len(COUNTED) if window.family else counted
    cost = None if pico is None else pico / PICO
    start, end = instant(start), instant(end)
    return WindowUse(window=window, start=start, end=end, requests=requests, total_tokens=tokens, cost=cost)


def _states(indexes) -> list[State]:
    found = AccountState.objects.filter(auth_index__in=indexes)[:STATES]
    return convert(list(found), list[State], from_attributes=True)
