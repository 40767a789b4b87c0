"""Differences as HTML: signed, exact in the markup and the title."""

from django.utils.html import format_html

from usage.dashboard.formats import DASH, exact, usd, usd_exact

MINUS = "−"


def signed(number):
    """`+1,240` or `−1,240`."""
    if number is None:
        return DASH
    text = _sign(number) + exact(abs(number))
    return _data(number, text, text)


def dollars(amount):
    """US dollars of a Decimal; shown as other money is."""
    if amount is None:
        return DASH
    return _data(amount, usd(float(amount)), usd_exact(float(amount)))


def signed_dollars(amount):
    """`+$1.24` or `−$1.24`."""
    if amount is None:
        return DASH
    size = float(abs(amount))
    return _data(amount, _sign(amount) + usd(size), _sign(amount) + usd_exact(size))


def _sign(number):
    return "+" if number > 0 else MINUS if number < 0 else ""


def _data(value, text, title):
    return format_html('<data value="{}" title="{}">{}</data>', value, title, text)
