"""Tables of usage for a terminal, of 80 columns or more; rich is imported where one is shown."""

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple
from unicodedata import category

from usage.analytics.reports.parts import Report
from usage.analytics.reports.statements import Statement
from usage.dashboard.formats import exact, rate, short, usd
from usage.models.labels import LABELS, NONE, NOT

HEADINGS = {"day": "Day", "week": "Week of", "month": "Month"}
LISTED = "List prices used, US dollars per million tokens"
WIDE = 110  # columns from which on numbers have every digit and all columns are shown
FIGURES = {  # what is shown of a Summary, by its heading
    "Requests": lambda used, number: number(used.total),
    "Failed": lambda used, number: number(used.failed),
    "Input": lambda used, number: number(used.input_tokens),
    "Output": lambda used, number: number(used.output_tokens),
    "Cache read": lambda used, number: number(used.cache_read_tokens),
    "Cache write": lambda used, number: number(used.cache_creation_tokens),
    "Tokens": lambda used, number: number(used.total_tokens),
    "Cost": lambda used, number: usd(used.known_cost),
}
ONLY_WIDE = ("Failed", "Cache write", "Hours", "Factor")
PRICES = {
    "Tier": lambda price, number: price.tier or "standard",
    "Over": lambda price, number: number(price.context_over) if price.context_over else "",
    "Hours": lambda price, number: price.hours,
    "Since": lambda price, number: price.valid_from,
    "Input": lambda price, number: rate(price.rates["prompt"]),
    "Cached": lambda price, number: rate(price.rates["cache_read"]),
    "Written": lambda price, number: rate(price.rates["cache_write"]),
    "Output": lambda price, number: rate(price.rates["completion"]),
    "Factor": lambda price, number: f"{price.factor:g}",
}


def plain(text: str) -> str:
    """A foreign text without control characters, which would steer a terminal."""
    return "".join("\ufffd" if category(c)[0] == "C" or c in "\u2028\u2029" else c for c in text)


def days_of(first: date | None, last: date | None, zone: str) -> str:
    """The days of a period, for a title."""
    return f"{first} to {last}, days in {zone}"


def many(count: int, noun: str) -> str:
    """So many of something."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


class Row(NamedTuple):
    """What it is about, from the outermost name on, and its Summary or ListPrice."""

    names: tuple[str, ...]
    of: Any
    is_total: bool = False


class Block(NamedTuple):
    """A table: its title, what its names are, and the columns that are shown, by heading."""

    title: str
    names: tuple[str, ...]
    shown: dict[str, Callable]
    rows: list[Row]

    def table(self, width: int):
        """A rich Table of the block, for a width of so many columns; long names are cut."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        number = exact if width >= WIDE else short
        shown = [name for name in self.shown if width >= WIDE or name not in ONLY_WIDE]
        cells = [shown, *([self.shown[name](row.of, number) for name in shown] for row in self.rows)]
        widths = [max(map(len, column)) + 2 for column in zip(*cells, strict=True)]
        # Every column has a blank and a divider behind it; what the figures leave over is for names, and they are cut.
        look = {"title_justify": "left", "box": box.SIMPLE_HEAD, "padding": (0, 1, 0, 0), "show_edge": False}
        table = Table(title=Text(plain(self.title)), **look)
        table.add_column("  ".join(self.names), no_wrap=True, overflow="ellipsis", max_width=width - sum(widths) - 2)
        for name in shown:
            table.add_column(name, justify="right", no_wrap=True)
        for row, values in zip(self.rows, cells[1:], strict=True):
            name = Text("  " * (len(row.names) - 1) + plain(row.names[-1]))
            table.add_row(name, *values, style="bold" if row.is_total else "")
        return table


def report_blocks(found: Report, title: str = "") -> list[Block]:
    """One table: a line a part, with the values of the label below it; none for nothing."""
    rows, by = [], found.by and LABELS[found.by]
    for part in found.parts:
        first = (f"{part.first:{'%Y-%m' if found.every == 'month' else '%Y-%m-%d'}}",) if found.every else ()
        if by:
            rows += [Row(first, part.figures, is_total=True)] if first else []
            rows += [Row((*first, row.label or NONE), row.figures) for row in part.breakdown.rows]
            rows += [Row((*first, "others"), part.breakdown.others)] if part.breakdown.others else []
        else:
            rows.append(Row(first, part.figures))
    names = tuple(str(name) for name in (HEADINGS.get(found.every), by and by.title) if name)
    return [Block(title, names, FIGURES, [*rows, Row(("Total",), found.figures, is_total=True)])] if rows else []


def statement_blocks(found: Statement) -> list[Block]:
    """Days, models and prices."""
    named = (f"{'not ' if by.startswith(NOT) else ''}{name}" for by, names in found.about.items() for name in names)
    about = ", ".join(named) or "All usage"
    title = f"{about}: {days_of(found.first, found.last, found.zone)}"
    blocks = [*report_blocks(found.days, title), *report_blocks(found.models)]
    prices = [Row((each.model,), each) for each in found.prices]
    return [*blocks, Block(LISTED, ("Price of",), PRICES, prices)] if prices else blocks


def show(blocks: list[Block], file, no_color: bool):
    """Print tables, or that there is nothing; without colours where it is no terminal, or NO_COLOR is set."""
    from rich.console import Console

    console = Console(file=file, no_color=no_color or None, highlight=False)
    for block in blocks:
        console.print(block.table(console.width), end="\n\n")
    if not blocks:
        console.print("No requests in this period.")
    elif unpriced := blocks[0].rows[-1].of.unpriced_tokens:
        console.print(f"{exact(unpriced)} tokens have no price, and no part in the cost: the page of prices says why.")
