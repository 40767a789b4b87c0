"""Differences as HTML: signed, exact in the title."""

from django.utils.html import format_html

from usage.dashboard.formats import DASH, exact, usd, usd_exact


def signed(number):
    """`+1,240` or `−1,240`."""
    return DASH if number is None else _sign(number) + exact(abs(number))


def dollars(amount):
    """US dollars of a Decimal; shown as other money is."""
    if amount is None:
        return DASH
    return format_html('<data value="{}" title="{}">{}</data>', amount, usd_exact(float(amount)), usd(float(amount)))


def signed_dollars(amount):
    """`+$1.24` or `−$1.24`."""
    return DASH if amount is None else format_html("{}{}", _sign(amount), dollars(abs(amount)))


def _sign(number):
    return "+" if number > 0 else "−" if number < 0 else ""
