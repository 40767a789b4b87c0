"""The table of accounts: its headings, each a link that sorts, and its rows with a cell for each window."""

from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from usage.analytics.accounts.folding import Account, Quota

COLUMNS = {  # by the name of a sort
    "name": _("Account"),
    "provider": _("Provider"),
    "plan": _("Plan"),
    "requests": _("Requests"),
    "failed": _("Failed"),
    "cost": _("Cost"),
    "5h": _("5h"),
    "7d": _("7d"),
    "": _("Other limits"),
    "strip": _("Last 24 h"),
    "last_used": _("Last used"),
    "status": _("Status"),
}
WINDOWS = ("5h", "7d")  # with columns of their own
NUMBERS = ("requests", "failed", "cost", "last_used")
LARGEST_FIRST = (*NUMBERS, *WINDOWS)  # texts are sorted from A to Z first


class Heading(NamedTuple):
    """A column; `sort` is what a click on it asks for, empty where it cannot be sorted by."""

    name: str
    title: str
    sort: str
    order: str
    numeric: bool


class Row(NamedTuple):
    """An account; `windows` of the columns for them, None where it has none; `others`: None without that column."""

    account: Account
    windows: list[Quota | None]
    others: list[Quota] | None


def windows_of(accounts: list[Account]) -> list[str]:
    """Which columns of windows there are: "" holds those without one of their own."""
    found = {_column_of(quota) for account in accounts for quota in account.quotas}
    return [name for name in (*WINDOWS, "") if name in found]


def headings(windows: list[str], sort: str) -> list[Heading]:
    """The headings of the table in an order of usage.analytics.accounts.accounts."""
    wanted = [name for name in COLUMNS if name in windows or name not in (*WINDOWS, "")]
    return [_heading(name, sort) for name in wanted]


def _heading(name, sort):
    order = {name: "ascending", f"-{name}": "descending"}.get(sort, "")
    is_down = order != "descending" if name in LARGEST_FIRST else order == "ascending"
    sort = "" if name in ("", "strip") else f"-{name}" if is_down else name
    return Heading(name, COLUMNS[name], sort, order, name in NUMBERS)


def rows(accounts: list[Account], windows: list[str], by_provider: bool) -> list[Row]:
    """The rows, where that is wanted those of a provider together."""
    found = sorted(accounts, key=lambda account: account.provider) if by_provider else accounts
    return [_row(account, windows) for account in found]


def _row(account, windows):
    by_column: dict[str, list] = {}
    for quota in account.quotas:
        by_column.setdefault(_column_of(quota), []).append(quota)
    own = [by_column.get(name, [None])[0] for name in windows if name]
    return Row(account, own, by_column.get("", []) if "" in windows else None)


def _column_of(quota):
    window = quota.window
    return window.name if window.name in WINDOWS and not window.family else ""
