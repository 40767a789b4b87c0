"""Numbers as HTML: short to read, with the exact value in the markup and the title."""

from django.utils.html import format_html
from django.utils.translation import gettext

from usage.analytics.timelines import FAILURE_RATE, LATENCY
from usage.dashboard.currency import amount, current
from usage.dashboard.formats import DASH, compact, duration, exact, money_exact, percent, plus_or_minus, short, usd

EXACT_FROM = 1000  # answers, from which a percentile of a histogram is off by few per cent

LONG, END = 28, 10  # characters up to which a name is not cut in its middle, and of its end


def count(number):
    """A whole number."""
    return _data(number, compact(number), exact(number))


def brief(number):
    """A whole number for narrow columns, abbreviated earlier."""
    return _data(number, short(number), exact(number))


def money(dollars, moment=""):
    """US dollars in the currency of the page, of its period or of an event's moment; every digit is in the title."""
    return _data(*amount(dollars, moment))


def cents(dollars):
    """As money, but always to the cent, for columns of amounts that people compare and add up."""
    value, text, title = amount(dollars)
    return _data(value, text if value is None else f"{current().sign}{value:,.2f}", title)


def cost(row):
    """What an event cost; marked where it is known only how much at least."""
    if not row.cost_is_minimum:
        return money(row.cost, row.timestamp)
    title = gettext("At least: CPA does not say for how long tokens were written to a cache.")
    return format_html('<span title="{}">≥ {}</span>', title, money(row.cost, row.timestamp))


def span(ms):
    """Milliseconds; 0 is no measurement."""
    return _data(ms or None, duration(ms or None), f"{exact(ms)} ms")


def middle(name, most=LONG):
    """A name that keeps its end where there is no room for all of it, for that is where long ones differ."""
    if len(name) <= most:
        return name
    return format_html(
        '<span class="middle" title="{}"><span>{}</span><span>{}</span></span>', name, name[:-END], name[-END:]
    )


def about(ms, answers):
    """A percentile of so many answers, read from a histogram: of few it is not exact."""
    return format_html("≈ {}", span(ms)) if ms and answers < EXACT_FROM else span(ms)


def measured(value, measure):
    """A figure of a chart of this measure."""
    if value is None:
        return DASH
    shown = {"cost": money, FAILURE_RATE: percent, LATENCY: lambda ms: about(ms, 0)}
    return shown.get(measure, exact)(value)


def signed(number):
    """A difference: `+1,240` or `−1,240`."""
    return DASH if number is None else plus_or_minus(number) + exact(abs(number))


def dollars(amount):
    """US dollars of a Decimal, whatever the currency of the page."""
    return DASH if amount is None else _data(amount, usd(float(amount)), money_exact(float(amount)))


def signed_dollars(amount):
    """A difference: `+$1.24` or `−$1.24`."""
    return DASH if amount is None else format_html("{}{}", plus_or_minus(amount), dollars(abs(amount)))


def _data(value, text, title):
    return text if value is None else format_html('<data value="{}" title="{}">{}</data>', value, title, text)
