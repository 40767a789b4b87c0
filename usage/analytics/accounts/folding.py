"""One account of people, however many auth indexes CPA gave it: whose usage belongs together, and what it is called."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct, structs

from cpa_usage.http.lists import LAST
from pricing.models import AccountFee
from usage.analytics.accounts.credentials import Credential, accounts_of_cpa, credential, credentials, last_seen
from usage.analytics.accounts.fees import fees_of
from usage.analytics.accounts.quotas import Window
from usage.analytics.answers import Cell, Figures
from usage.models import Series
from usage.query.filters import UsageFilter
from usage.query.names import account_names
from usage.query.reader import Reader
from usage.query.snapshots import snapshot

UNKNOWN = ("", "absent")  # states of an index that CPA does not list


class Quota(Struct, frozen=True, kw_only=True):
    """A window of an account's quota, and what filling a hundredth of it cost."""

    window: Window
    seen_at: Annotated[str, Meta(description="When the upstream said so.")]
    resets_at: str | None
    over: Annotated[bool, Meta(description="The window has ended since; nothing newer is known.")]
    runs_out_at: Annotated[str | None, Meta(description="At the pace of this window so far; null: it resets before.")]
    history: Annotated[list[float], Meta(description="Share used, by hour of the last week in which it changed.")]
    usd_per_percent: Annotated[
        float | None,
        Meta(description="Cost since the window began, by hundredth used; null where models have their own."),
    ]


class Account(Struct, frozen=True, kw_only=True):
    """One upstream account, with all of its auth indexes."""

    id: Annotated[str, Meta(description="What usage/account takes for it; any of its auth indexes does as well.")]
    name: Annotated[str, Meta(description="What people call it; empty where they have not said.")]
    named_as: Annotated[str, Meta(description="The account under which its name is entered.")]
    called: Annotated[str, Meta(description="What it is shown as: its name, else its address, key or index.")]
    provider: str
    plan: str
    auth_indexes: Annotated[list[str], Meta(description="That in use first.")]
    about: Credential
    strip: Annotated[list[Cell], Meta(description="The last 24 hours in half hours, whatever the period.")] = []
    quotas: list[Quota] = []


class Folded(NamedTuple):
    """An account without its strip and quotas; `about` adds up `rows`, one for each of its auth indexes.

    `labels` are those of a filter by what it alone was used for.
    """

    account: Account
    rows: list[Credential]
    labels: tuple[tuple[str, tuple], ...]

    @property
    def words(self) -> str:
        """What a search looks in, in small letters."""
        one, about = self.account, self.account.about
        texts = (one.name, about.email, about.source_display, about.name, one.provider, one.plan, *one.auth_indexes)
        return "\n".join(texts).lower()


def folded(filters: UsageFilter) -> list[Folded]:
    """Accounts, the busiest first; without a filter also those that CPA lists and that were not used in the period.

    An account is what has a provider and a name there. Where CPA lists two plans of one name, these are two accounts.
    """
    known, routes = accounts_of_cpa(), _routes()
    rows = credentials(filters, LAST).items  # all: one that is left out would count as unused
    if not (filters.labels or filters.of_events):
        rows = [*rows, *_unused(filters, known, routes, {row.auth_index for row in rows})]
    members = [(row, *_identity(row, known.get(row.auth_index), routes)) for row in rows]
    plans = {who: plan for _, who, plan in reversed(members) if plan}
    groups: dict[tuple, list[Credential]] = {}
    for row, who, plan in members:
        groups.setdefault((*who, plan or plans.get(who, "")), []).append(row)
    return _accounts(filters, groups)


@snapshot()
def fees_and_yield(filters: UsageFilter) -> tuple[float | None, float | None]:
    """`paid_and_yielded` of all accounts, also of those that were not used in the period."""
    return paid_and_yielded(each.account for each in folded(filters)) if AccountFee.objects.exists() else (None, None)


def paid_and_yielded(accounts: Iterable[Account]) -> tuple[float | None, float | None]:
    """Fees for the days of the period, and the cost of what those accounts were used for. USD; None without a fee."""
    paid = [(each.about.fee_usd, each.about.cost) for each in accounts if each.about.fee_usd]
    return (sum(usd for usd, _ in paid), sum(cost for _, cost in paid)) if paid else (None, None)


def _identity(row, known, routes):
    """(provider, name there), and the plan where CPA lists it now."""
    provider = routes.get((row.source, row.auth_index)) or (known.provider if known else "")
    return (provider, row.source or row.auth_index), known.plan if known and known.status != "absent" else ""


def _routes() -> dict[tuple[str, str], str]:
    """The provider of each (source, auth_index) that was ever used."""
    found = Series.objects.order_by().values_list("source", "auth_index", "provider").distinct()
    return {(source, auth_index): provider for source, auth_index, provider in found}


def _unused(filters, known, routes, used):
    """A row without usage for each index that CPA lists, named as its usage in other periods was."""
    sources = {auth_index: source for source, auth_index in routes}
    seen = {auth_index: at for (_, _, auth_index), at in last_seen(Reader.of(filters)).items()}
    return [
        credential((sources.get(index, about.source), about.email or about.display, index), about, seen.get(index))
        for index, about in known.items()
        if about.status != "absent" and index not in used
    ]


def _accounts(filters, groups) -> list[Folded]:
    """The accounts of {(provider, name there, plan): rows}."""
    names, sharing = account_names(), Counter(rows[0].source for rows in groups.values())
    fees = fees_of(filters, [(rows[0].source, *(row.auth_index for row in rows)) for rows in groups.values()])
    found = [
        _account(key, _together(rows, fee), rows, names, sharing)
        for (key, rows), fee in zip(groups.items(), fees, strict=True)
    ]
    return sorted(found, key=lambda each: -each.account.about.total)


def _account(key, about, rows, names, sharing) -> Folded:
    indexes = list(dict.fromkeys(row.auth_index for row in (about, *rows) if row.auth_index))
    is_alone = about.source and sharing[about.source] == 1
    own = about.source if is_alone else about.auth_index
    named = next((each for each in (own, *indexes, about.source) if each in names), own)
    account = Account(
        id=about.auth_index or about.source,
        name=names.get(named, ""),
        named_as=named,
        called=names.get(named) or about.email or about.source_display or about.name or about.auth_index,
        provider=key[0],
        plan=key[2],
        auth_indexes=indexes,
        about=about,
    )
    labels = ("source", (about.source,)) if is_alone else ("auth_index", tuple(indexes) or ("",))
    return Folded(account, rows, (labels,))


def _together(rows, fee) -> Credential:
    """The sums of an account's rows; its name and state are those of an index that CPA lists."""
    lead = next((row for row in rows if row.status not in UNKNOWN), rows[0])
    seen = [row.last_seen for row in rows if row.last_seen]
    return structs.replace(
        lead,
        **{name: sum(getattr(row, name) for row in rows) for name in Figures.__struct_fields__},
        last_seen=max(seen, default=None),
        **fee._asdict(),
    )
