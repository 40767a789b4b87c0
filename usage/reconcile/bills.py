"""A provider's file as what it counts by day and model. Pure."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from django.utils.translation import gettext as _

from usage.reconcile.cells import EPOCH_SECONDS, BadCell, amount, count, days
from usage.reconcile.columns import COUNTS, Mapping, checked
from usage.reconcile.formats import Format, class_of, format_of
from usage.reconcile.sheets import BadFile, Sheet, plain
from usage.time.periods import date_of
from usage.time.units import DAY_S

MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d)[T ]00:00(:00)?(\.0+)?\s*(Z|UTC|[+-]\d\d:?\d\d)?", re.ASCII)
SYMBOL = re.compile(r"\(([^()]+)\)$")  # of a currency, in the name of a column
DOLLARS = {"$", "us$", "usd"}


class Amounts(NamedTuple):
    """What was counted; None where a side does not say. Tokens of the cache are a part of `input`; cost is in USD."""

    requests: int | None = None
    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    output: int | None = None
    total: int | None = None
    cost: Decimal | None = None

    def __add__(self, other: "Amounts") -> "Amounts":
        """Both together; what one side does not say does not count."""
        pairs = zip(self, other, strict=True)
        return Amounts(*(b if a is None else a if b is None else a + b for a, b in pairs))


class Bill(NamedTuple):
    """What a file says. Days are numbers; `cells` has the amounts by (day, model), by (None, model) without days."""

    title: str
    zone: str
    first: int
    last: int
    by_day: bool  # else its lines are about longer times
    of_moments: bool  # whether its lines can be counted on the days of any zone
    currency: str  # "" for US dollars; in another, cost is left out
    left_out: int  # lines that are about something else than the usage of models
    cells: dict[tuple[int | None, str], Amounts]

    @property
    def with_models(self) -> bool:
        """Whether it tells models apart."""
        return any(model for _, model in self.cells)

    @property
    def said(self) -> set[str]:
        """The fields of Amounts that it has anywhere."""
        return {name for name in Amounts._fields for cell in self.cells.values() if getattr(cell, name) is not None}


class Unknown(Exception):
    """A file that no format and no mapping fits."""


def total(amounts: Iterable[Amounts]) -> Amounts:
    """All together."""
    return sum(amounts, Amounts())


def bill_of(sheet: Sheet, mapping: Mapping | None = None, zone: str = "") -> Bill:
    """What the sheet says, read by the mapping, else by the format its header tells.

    `zone`: that of its days, or the one by which its moments fall on days; by default what mapping or format say.
    Raises BadFile, and Unknown where neither is known.
    """
    layout = _mapped(checked(mapping, sheet), sheet) if mapping else _known(format_of(sheet), sheet)
    return _Reading(layout, zone or layout.zone).bill(sheet)


class _Layout(NamedTuple):
    """Where in a row is what: places by role."""

    title: str
    places: dict[str, int]
    zone: str
    order: str
    header: tuple[str, ...]
    format: Format | None = None


def _mapped(mapping, sheet):
    places = {role: sheet.header.index(name) for role, name in mapping.columns.items()}
    return _Layout(_("columns as chosen"), places, mapping.zone, mapping.order, sheet.header)


def _known(found, sheet):
    if found is None:
        raise Unknown
    names = list(map(plain, sheet.header))
    wanted = found.columns | found.optional
    there = {role: [names.index(name) for name in choices if name in names] for role, choices in wanted.items()}
    places = {role: options[0] for role, options in there.items() if options}
    return _Layout(found.title, places, found.zone, "ymd", sheet.header, found)


class _Reading:
    """One file being read: sums by role, for each (first day, last day, model)."""

    def __init__(self, layout: _Layout, zone: str):
        self.layout, self.zone = layout, zone
        self.sums: dict[tuple[int, int, str], dict] = {}
        self.currencies: set[str] = set()
        self.left_out = 0
        self.spans: dict[str, tuple[int, int]] = {}  # what a text of the date column means
        self.dates: dict[str, str] = {}  # the dates of texts that are all midnights

    def bill(self, sheet) -> Bill:
        """All rows together."""
        place = self.layout.places["date"]
        self.dates = _dates({cells[place] for _, cells in sheet.rows})
        for line, cells in sheet.rows:
            try:
                self._add(cells)
            except BadFile as error:
                raise BadFile(error.sentence, line, error.column) from None
        if not self.sums:
            raise BadFile(_("There is no usage in this file."))
        return self._bill()

    def _bill(self):
        by_day = all(first == last for first, last, _ in self.sums)
        currency = self._currency()
        cells: dict = {}
        for (first, _last, model), sums in self.sums.items():
            key, found = (first if by_day else None, model), _amounts(sums, with_cost=not currency)
            cells[key] = cells.get(key, Amounts()) + found
        return Bill(
            title=self.layout.title,
            zone=self.zone,
            first=min(first for first, _, _ in self.sums),
            last=max(last for _, last, _ in self.sums),
            by_day=by_day,
            of_moments=not self.dates and any(":" in text or EPOCH_SECONDS.fullmatch(text) for text in self.spans),
            currency=currency,
            left_out=self.left_out,
            cells=cells,
        )

    def _add(self, cells):
        named = {role: cells[place] for role, place in self.layout.places.items()}
        found = self._item(named)
        if found is None:
            self.left_out += 1
            return
        model, kind = found
        counted = self._counted(named, kind)
        if not any(counted.values()):  # a time in which nothing was used, or what costs nothing
            return
        sums = self.sums.setdefault((*self._span(named), model), {})
        for role, number in counted.items():
            sums[role] = number if role not in sums else sums[role] + number
        if "cost" in counted:
            self.currencies.add(named.get("currency", "").lower())

    def _item(self, named):
        """(model, kind), or None for a line about something else."""
        read = self.layout.format and self.layout.format.item
        return read(named) if read else (named.get("model", ""), named.get("kind", ""))

    def _counted(self, named, kind):
        """The numbers of a row by role."""
        numbers = {role: self._number(count, role, named) for role in COUNTS if role in named}
        if "quantity" in named and (role := class_of(kind)):
            numbers[role] = self._number(count, "quantity", named)
        if "cost" in named:
            numbers["cost"] = self._number(amount, "cost", named)
        if self.layout.format and self.layout.format.each_is_a_request:
            numbers["requests"] = 1
        return {role: number for role, number in numbers.items() if number is not None}

    def _number(self, read, role, named):
        try:
            return read(named[role])
        except BadCell as error:
            raise self._wrong(error, role) from None

    def _span(self, named):
        first, last = self._days("date", named)
        if named.get("until"):
            last = self._days("until", named)[1]
        if last < first:
            raise self._wrong(_("The last day is before the first."), "until")
        return first, last

    def _days(self, role, named):
        text = named[role]
        if text not in self.spans:
            try:
                self.spans[text] = days(self.dates.get(text, text), self.zone, self.layout.order)
            except BadCell as error:
                raise self._wrong(error, role) from None
        return self.spans[text]

    def _wrong(self, sentence, role):
        return BadFile(str(sentence), column=self.layout.header[self.layout.places[role]])

    def _currency(self):
        """ "" where all money is in US dollars."""
        if symbol := SYMBOL.search(self.layout.header[self.layout.places.get("cost", 0)]):
            self.currencies = {symbol[1].lower()}
        others = sorted(self.currencies - DOLLARS - {""})
        if len(others) > 1 or (others and self.currencies & DOLLARS):
            raise BadFile(_("The file has money of several currencies."))
        return others[0].upper() if others else ""


def _dates(texts):
    """{text: date} where all are midnights: those name whole days, whatever zone they are looked at from."""
    found = {text: _date_of_midnight(text) for text in texts if text}
    return found if all(found.values()) else {}


def _date_of_midnight(text):
    if found := MIDNIGHT.fullmatch(text):
        return found[1]
    at_midnight = text.isdecimal() and len(text) == 10 and int(text) % DAY_S == 0
    return date_of(int(text) // DAY_S).isoformat() if at_midnight else None


def _amounts(sums, with_cost):
    cached = [sums.get(role) for role in ("uncached", "cache_read", "cache_write", "cache_write_1h")]
    whole = sums.get("input")
    if whole is None and any(part is not None for part in cached):
        whole = sum(filter(None, cached))
    parts = [part for part in (whole, sums.get("output")) if part is not None]
    return Amounts(
        requests=sums.get("requests"),
        input=whole,
        cache_read=sums.get("cache_read"),
        cache_write=sums.get("cache_write"),
        cache_write_1h=sums.get("cache_write_1h"),
        output=sums.get("output"),
        total=sums.get("total", sum(parts) if parts else None),
        cost=sums.get("cost") if with_cost else None,
    )
