"""Money besides prices per token: what an account costs a month, and the currency that pages show amounts in.

Both are decimals of what a person reads off an invoice or a list of rates; no column of totals adds them up.
"""

from datetime import date
from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cpa_usage.keys import account_name
from pricing.models.constraints import one_a_day
from pricing.models.sets import DAY_VALIDATORS, Revision, first_day
from pricing.precedence import latest

MOST_FEE = 999_999
LEAST_RATE, MOST_RATE = Decimal("0.000001"), 10**9
FEE_VALIDATORS = [
    MinValueValidator(0, _("A fee is never negative.")),
    MaxValueValidator(MOST_FEE, _("A fee is at most 999,999 USD a month.")),
]
RATE_VALIDATORS = [
    MinValueValidator(LEAST_RATE, _("A rate of exchange is above zero.")),
    MaxValueValidator(MOST_RATE, _("That rate of exchange is too high.")),
]
CODE_VALIDATORS = [RegexValidator(r"^[A-Z]{3}\Z", _("A currency is three capital letters, such as EUR."))]


class Shown(models.Model):
    """Rows that pages show: each change of one counts as a change of prices, so that no browser keeps an old page."""

    class Meta:
        abstract = True

    def save(self, *args, **kwargs):
        """In one transaction with the revision."""
        with transaction.atomic():
            Revision.bump()
            super().save(*args, **kwargs)

    def delete(self, *args, **kwargs):
        """In one transaction with the revision."""
        with transaction.atomic():
            Revision.bump()
            return super().delete(*args, **kwargs)


class AccountFeeQuerySet(models.QuerySet):
    """Fees of accounts."""

    def enter(self, account: str, usd_per_month: Decimal, valid_from: date | None = None):
        """An account's fee from a local date on.

        Without a date the fee in force today changes; where none is, it holds for always. For validated values.
        """
        if valid_from is None and (now := latest(self.of(account), timezone.localdate())):
            valid_from = now.valid_from
        self.update_or_create(
            account=account_name(account), valid_from=valid_from, defaults={"usd_per_month": usd_per_month}
        )

    def of(self, account: str):
        """All fees of one account."""
        return self.filter(account=account_name(account))

    def clear(self, account: str, valid_from: date | None = None):
        """Delete all fees of one account, or the one that begins on a local date."""
        fees = self.of(account)
        for fee in fees if valid_from is None else fees.filter(valid_from=valid_from):
            fee.delete()

    def put_back(self, account: str, rows: list[dict]):
        """Fees with these fields in place of all that one account has now."""
        self.clear(account)
        for fields in rows:
            self.enter(account, **fields)

    def by_account(self) -> dict[str, list["AccountFee"]]:
        """All fees, those of an account in the order in which they begin."""
        found: dict[str, list[AccountFee]] = {}
        for fee in self.order_by("account", models.F("valid_from").asc(nulls_first=True)):
            found.setdefault(fee.account, []).append(fee)
        return found


class AccountFee(Shown):
    """What an upstream account costs a month, however much it is used; a fee of 0 ends it."""

    account = models.CharField(
        max_length=255, help_text="Its e-mail address, name, key (kept as its fingerprint), or auth index."
    )
    usd_per_month = models.DecimalField(
        "USD per month", max_digits=8, decimal_places=2, validators=FEE_VALIDATORS, help_text="0 ends the fee."
    )
    valid_from = first_day()

    objects = AccountFeeQuerySet.as_manager()

    class Meta:
        ordering = ["account", models.F("valid_from").asc(nulls_first=True)]
        constraints = one_a_day(
            ["account"], ("one_fee_per_account_and_day", "one_fee_per_account_for_always"), "The account has a fee"
        )

    def __str__(self):
        since = _("from %s") % self.valid_from if self.valid_from else _("from always")
        return f"{self.account}: {_('%s USD per month') % self.usd_per_month} {since}"

    def clean(self):
        """A key is known by its fingerprint."""
        self.account = account_name(self.account)


class DisplayCurrency(Shown):
    """A rate of exchange from a local date on. Without any, amounts are shown in US dollars."""

    code = models.CharField(max_length=3, validators=CODE_VALIDATORS, help_text="ISO 4217, such as EUR.")
    rate = models.DecimalField(
        max_digits=15, decimal_places=6, validators=RATE_VALIDATORS, help_text="Units of it for one US dollar."
    )
    valid_from = models.DateField(default=timezone.localdate, unique=True, validators=DAY_VALIDATORS)

    class Meta:
        ordering = ["valid_from"]
        verbose_name_plural = "display currency"

    def __str__(self):
        return f"1 USD = {self.rate.normalize():f} {self.code} {_('from %s') % self.valid_from}"
