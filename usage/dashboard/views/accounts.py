"""The page of accounts: a table or cards, the limit that is reached next, and one account beside them."""

from django import forms
from django.core.exceptions import ValidationError
from django.shortcuts import render
from django.utils.translation import gettext as _

from aliases.accountnames import AccountNameBody
from aliases.models import AccountName
from catalog.models import Connection
from cpa_usage.http import rest
from usage.analytics.accounts.accounts import accounts as accounts_of
from usage.analytics.accounts.detail import account as account_of
from usage.analytics.choices import AccountsForm, Choice
from usage.dashboard.pages import page
from usage.dashboard.panels.accounts import headings, rows, windows_of
from usage.dashboard.views.manage import changes
from usage.query.forms import checked
from usage.query.snapshots import snapshot

DRAWER = "account"  # the id of the part that htmx asks for alone


class PageForm(AccountsForm):
    """How accounts are shown."""

    view = Choice("view", "", lambda: ("table", "cards"), "table")
    group = Choice("group", "", lambda: ("none", "provider"), "none")
    account = forms.CharField(required=False, max_length=255)


@page("usage/accounts.html")
@snapshot()
def accounts(request, filters):
    """Upstream accounts: usage, the last day, and quotas; `account` is opened beside them."""
    chosen = checked(PageForm(request.GET)).cleaned_data
    drawer = _drawer(filters, chosen["account"])
    if request.headers.get("HX-Target") == DRAWER:
        return render(request, "usage/parts/account_drawer.html", {"query": request.query, **drawer})
    found = accounts_of(filters, q=chosen["q"], sort=chosen["sort"], history=chosen["view"] == "cards")
    names = windows_of(found.items)
    return {
        "live": 10,
        "accounts": found,
        "rows": rows(found.items, names, chosen["group"] == "provider"),
        "headings": headings(names, chosen["sort"]),
        "chosen": chosen,
        "list_error": Connection.load().last_error,
        **drawer,
    }


def _drawer(filters, account):
    if not account:
        return {}
    try:
        return {"detail": account_of(filters, account)}
    except ValidationError as refusal:
        return {"missing": refusal.message_dict["account"][0]}


@changes("accounts")
def name(request):
    """Name one account; a blank name clears it."""
    posted = {field: request.POST.get(field, "") for field in ("account", "name")}
    body = rest.valid(AccountNameBody, posted)
    AccountName.objects.rename(**body)
    return _("%(account)s is called %(name)s.") % body if body["name"] else _("%(account)s has no name.") % body
