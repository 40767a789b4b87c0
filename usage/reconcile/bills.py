"""A provider's file as what it counts by day and model. Pure."""

import re
from collections import defaultdict
from decimal import Decimal
from typing import NamedTuple

from django.utils.translation import gettext as _

from usage.reconcile.cells import BadCell, amount, count, day
from usage.reconcile.formats import COUNTS, Format, class_of
from usage.reconcile.sheets import BadFile, Sheet

MIDNIGHT = re.compile(r"\d{4}-\d\d-\d\d[T ]00:00(:00)?(\.0+)?\s*(Z|UTC|[+-]\d\d:?\d\d)?", re.ASCII)
DATE = len("2026-11-24")
MAX_DAYS = 1000  # a row a day and model: more are no page to read
SYMBOL = re.compile(r"\(([A-Z]{0,3}\W|[A-Z]{3})\)$")  # or code of a currency, in the name of a column
DOLLARS = ("", "$", "us$", "usd")
INPUT = ("uncached", "cache_read", "cache_write", "cache_write_1h")


class Amounts(NamedTuple):
    """What a side counted; None where it does not say. Tokens of the cache are a part of `input`; cost is in USD."""

    requests: int | None = None
    input: int | None = None
    cache_read: int | None = None
    cache_write_1h: int | None = None
    output: int | None = None
    total: int | None = None
    cost: Decimal | None = None
    cache_write_unspecified: int | None = None  # tokens, of our records alone
    unpriced: int | None = None  # tokens, of our records alone

    def __add__(self, other: "Amounts") -> "Amounts":
        """The sum of two amounts; a value that one of them lacks counts as nothing."""
        pairs = zip(self, other, strict=True)
        return Amounts(*(b if a is None else a if b is None else a + b for a, b in pairs))


class Bill(NamedTuple):
    """What a file says: its amounts by (day number, model)."""

    title: str
    zone: str
    currency: str  # other ones than the US dollar, of which money is left out
    left_out: int  # lines that are about something else than the usage of models
    cells: dict[tuple[int, str], Amounts]

    @property
    def days(self) -> range:
        """The day numbers from the first to the last."""
        days = [day for day, _ in self.cells]
        return range(min(days), max(days) + 1)


def bill_of(sheet: Sheet, layout: Format, zone: str = "") -> Bill:
    """What the sheet says, read by the layout; `zone` is that of its days where it is another one. Raises BadFile."""
    zone = zone or layout.zone
    places = {role: sheet.header.index(name) for role, name in layout.columns.items()}
    dates = {cells[places["date"]] for _, cells in sheet.rows} - {""}
    # Midnights throughout are whole days, in whatever zone they are looked at.
    date_ends = DATE if all(map(MIDNIGHT.fullmatch, dates)) else None
    found: dict = defaultdict(Amounts)
    currencies, left_out = set(), 0
    for line, cells in sheet.rows:
        named = {role: cells[place] for role, place in places.items()}
        item = layout.item(named)
        if not item:
            left_out += 1
            continue
        model, kind = item
        try:
            amounts = _amounts(named, class_of(kind), layout)
            if amounts.cost and (currency := _currency(named, layout)):
                currencies.add(currency)
                amounts = amounts._replace(cost=None)
            if any(amounts):  # else a time in which nothing was used, or what costs nothing
                named["date"] = named["date"][:date_ends]
                found[_day(named, zone), model] += amounts
        except BadFile as error:
            raise BadFile(error.sentence, line, layout.columns[error.column]) from None
    if not found:
        raise BadFile(_("There is no usage in this file, or all of it is money in another currency than US dollars."))
    bill = Bill(layout.title, zone, ", ".join(sorted(currencies)), left_out, dict(found))
    if len(bill.days) > MAX_DAYS:
        raise BadFile(_("The file spans more than %(most)s days: compare a part of it.") % {"most": MAX_DAYS})
    return bill


def _amounts(named, kind, layout):
    """The amounts of a row."""
    found = {role: _read(count, named, role) for role in COUNTS if role in named}
    if kind and "quantity" in named:
        found[kind] = _read(count, named, "quantity")
    if found.get("input") is None:
        found["input"] = _sum(map(found.get, INPUT))
    if found.get("total") is None:
        found["total"] = _sum((found["input"], found.get("output")))
    if layout.each_is_a_request:
        found["requests"] = 1
    if "cost" in named:
        found["cost"] = _read(amount, named, "cost")
    return Amounts(**{name: found.get(name) for name in Amounts._fields})


def _currency(named, layout):
    """ "" for US dollars."""
    symbol = SYMBOL.search(layout.columns["cost"])
    name = symbol[1] if symbol else named.get("currency", "")
    return "" if name.lower() in DOLLARS else name.upper()


def _day(named, zone):
    first = _read(day, named, "date", zone)
    if named.get("until") and _read(day, named, "until", zone) != first:
        raise BadFile(_("The line is about more than a day: export the file by day."), column="until")
    return first


def _read(read, named, role, *rest):
    try:
        return read(named[role], *rest)
    except BadCell as error:
        raise BadFile(str(error), column=role) from None


def _sum(numbers):
    """The sum of the known values; None if there are none."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
