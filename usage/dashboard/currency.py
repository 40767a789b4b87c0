"""The currency that pages show amounts in: that of the rate of exchange in force today, US dollars without one.

An amount of a period is converted by the rate of its last local day, today at the latest; one of a single event by that
of its own day. Days before the first rate of the currency have that first one.
"""

from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from pricing.models import DisplayCurrency
from usage.dashboard.formats import DASH, money, money_exact
from usage.time.periods import Period, local_date
from usage.time.units import SECOND_US

SIGNS = {
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "CNY": "CN¥",
    "JPY": "¥",
    "INR": "₹",
    "KRW": "₩",
    "AUD": "A$",
    "CAD": "CA$",
    "HKD": "HK$",
    "TWD": "NT$",
    "BRL": "R$",
}


class Currency(NamedTuple):
    """`rates`: (first local day, units for one US dollar), oldest first; `day`: the last of the page's period."""

    code: str = "USD"
    rates: tuple[tuple[date, Decimal], ...] = ()
    day: date = date.max

    rule = _(
        "Amounts of a period are converted at the rate of its last day, those of a request at the rate of its own "
        "day. Prices stay in US dollars."
    )

    @property
    def sign(self) -> str:
        """What stands before a figure."""
        return SIGNS.get(self.code, f"{self.code}\xa0")

    @property
    def rate(self) -> Decimal:
        """Units for one US dollar, for amounts of the period."""
        return self.rate_on(self.day)

    @property
    def shown_rate(self) -> str:
        """The rate as a text."""
        return f"{self.rate.normalize():f}"

    def rate_on(self, day: date) -> Decimal:
        """Units for one US dollar on a local day."""
        begun = [rate for since, rate in self.rates if since <= day]
        return (begun or [self.rates[0][1]])[-1] if self.rates else Decimal(1)


class Amount(NamedTuple):
    """US dollars as a page shows them: in its currency, as a short text, and with every digit."""

    value: float | None
    text: str
    title: str


DOLLARS = Currency()
_current: ContextVar[Currency] = ContextVar("currency", default=DOLLARS)


def current() -> Currency:
    """The currency of the page that is being made."""
    return _current.get()


@contextmanager
def currency_of(period: Period):
    """Amounts shown within are those of a page about this period. Reads the rates, in one query."""
    token = _current.set(_read(period))
    try:
        yield
    finally:
        _current.reset(token)


def amount(dollars: float | None, moment: str = "") -> Amount:
    """An amount of the page's period, or of an event that began at an RFC 3339 moment."""
    if dollars is None:
        return Amount(None, DASH, DASH)
    currency = current()
    rate = currency.rate_on(_day_of(moment)) if moment else currency.rate
    if rate == 1:
        return Amount(dollars, money(dollars, currency.sign), money_exact(dollars, currency.sign))
    value = dollars * float(rate)
    return Amount(value, money(value, currency.sign), f"{money_exact(dollars)} × {rate.normalize():f}")


def _day_of(moment):
    return local_date(int(datetime.fromisoformat(moment).timestamp()), settings.TIME_ZONE)


def _read(period):
    rows, today = list(DisplayCurrency.objects.order_by("valid_from")), localdate()
    codes = [row.code for row in rows if row.valid_from <= today]
    if not codes:
        return DOLLARS
    last = today if period.end is None else min(today, local_date((period.end - 1) // SECOND_US, settings.TIME_ZONE))
    return Currency(codes[-1], tuple((row.valid_from, row.rate) for row in rows if row.code == codes[-1]), last)
