"""The page of accounts: a table or cards, the limit that is reached next, and one account next to them."""

from django.core.exceptions import ValidationError
from django.shortcuts import render
from django.utils.translation import gettext as _

from aliases.accountnames import AccountNameBody
from aliases.models import AccountName
from cpa_usage.http import rest
from cpa_usage.keys import account_name
from usage.analytics.accounts.accounts import accounts as accounts_of
from usage.analytics.accounts.detail import account as account_of
from usage.analytics.choices import AccountsPageForm
from usage.dashboard.links import PERIOD, changed, page_address
from usage.dashboard.pages import page
from usage.dashboard.panels.accounts import headings, rows, windows_of
from usage.dashboard.undoing import Undoable
from usage.dashboard.views.manage import changes
from usage.query.forms import checked
from usage.query.snapshots import snapshot

DRAWER = "account"  # the id of the part that htmx asks for alone
OF_ACCOUNT = ("source", "auth_index")  # filters that the link to an account's requests sets


@page("usage/accounts.html")
@snapshot()
def accounts(request, filters):
    """Upstream accounts: usage, the last day, and quotas; `account` is opened next to them."""
    chosen = checked(AccountsPageForm(request.GET)).cleaned_data
    drawer = _drawer(request, filters, chosen["account"])
    if request.headers.get("HX-Target") == DRAWER:
        part = render(request, "usage/accounts/drawer.html", drawer)
        part["Cache-Control"] = "no-store"  # the whole page has the same address
        return part
    found = accounts_of(filters, q=chosen["q"], sort=chosen["sort"], history=chosen["view"] == "cards")
    names = windows_of(found.items)
    return {
        "live": 10,
        "accounts": found,
        "rows": rows(found.items, names, chosen["group"] == "provider"),
        "headings": headings(names, chosen["sort"]),
        "chosen": chosen,
        "drill": page_address("requests", request.query, *PERIOD, *OF_ACCOUNT),
        "list_error": request.watch.connection.last_error,
        **drawer,
    }


def _drawer(request, filters, account):
    """One account, which all filters but the period leave as it is, or why there is none."""
    context = {"query": request.query, "list": changed(request.query, {"account": None})}
    context["requests"] = page_address("requests", request.query, *OF_ACCOUNT)
    if not account:
        return context
    others = [name for name in request.query if name not in PERIOD]
    context["period"] = page_address("requests", request.query, *others)
    try:
        return {**context, "detail": account_of(filters, account)}
    except ValidationError as refusal:
        return {**context, "missing": refusal.message_dict["account"][0]}


@changes("accounts")
def name(request):
    """Name one account; a blank name clears it."""
    posted = {field: request.POST.get(field, "") for field in ("account", "name")}
    body = rest.valid(AccountNameBody, posted)
    account = account_name(body["account"])
    change = Undoable("account", account)
    AccountName.objects.rename(**body)
    sentence = _("Name saved: %(name)s.") % body if body["name"] else _("Name cleared.")
    return change.message(sentence, body["name"] or account)
