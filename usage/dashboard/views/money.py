"""Fees of accounts and the currency of the pages, entered in place."""

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers

from cpa_usage.http import rest
from cpa_usage.keys import account_name
from pricing.api.fees import FeeBody
from pricing.models import AccountFee, DisplayCurrency
from pricing.models.money import CODE_VALIDATORS, RATE_VALIDATORS
from pricing.models.sets import DAY_VALIDATORS
from usage.dashboard import formats
from usage.dashboard.undoing import Undoable
from usage.dashboard.views.manage import as_number, changes
from usage.models.labels import LABELS
from usage.query.names import names_of


class CurrencyBody(serializers.Serializer):
    """A rate of exchange."""

    code = serializers.CharField(validators=CODE_VALIDATORS)
    rate = serializers.DecimalField(max_digits=15, decimal_places=6, validators=RATE_VALIDATORS)
    valid_from = serializers.DateField(input_formats=["%Y-%m-%d"], validators=DAY_VALIDATORS)


@changes("accounts")
def fee(request):
    """Enter an account's monthly fee, or take all of its fees away."""
    account = request.POST.get("account", "")
    change, called = Undoable("fee", account_name(account)), _called(account)
    if "clear" in request.POST:
        AccountFee.objects.clear(account)
        return change.message(_("Fee of %(account)s cleared.") % {"account": called}, called)
    posted = {"account": account, "usd_per_month": as_number(request.POST.get("usd_per_month", ""))}
    entered = rest.valid(FeeBody, posted | {"valid_from": request.POST.get("valid_from") or None})
    AccountFee.objects.enter(**entered)
    said = {"account": called, "fee": formats.usd(float(entered["usd_per_month"]))}
    return change.message(_("Fee of %(account)s saved: %(fee)s per month.") % said, called)


def _called(account):
    """What people call an account, which may be given by its key."""
    known = account_name(account)
    return names_of(LABELS["source"], [known])[known][1]


@changes("prices")
def currency(request):
    """Enter a rate of exchange from a day on, today if none is given; or return to US dollars."""
    if "clear" in request.POST:
        for entered in DisplayCurrency.objects.all():
            entered.delete()
        return _("Amounts are shown in US dollars.")
    posted = {"code": request.POST.get("code", "").strip().upper(), "rate": request.POST.get("rate", "")}
    day = request.POST.get("valid_from") or timezone.localdate().isoformat()
    body = rest.valid(CurrencyBody, posted | {"valid_from": day})
    DisplayCurrency.objects.update_or_create(valid_from=body.pop("valid_from"), defaults=body)
    return _("The rate of exchange is entered.")
