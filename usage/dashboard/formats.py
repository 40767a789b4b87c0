"""Numbers as pages show them, three digits where that is enough. Pure; a dash stands for what is not known."""

from decimal import Decimal

DASH = "–"
UNITS = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k"))
BYTE_UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))
IN_FULL = 100_000


def exact(number: float | None) -> str:
    """`1,240,000`."""
    return DASH if number is None else f"{number:,}"


def compact(number: float | None, in_full: int = IN_FULL) -> str:
    """`48,213` in full below `in_full`, from there on `1.24M`."""
    if number is None:
        return DASH
    if abs(number) < in_full:
        return f"{number:,.0f}" if isinstance(number, int) or abs(number) >= 100 else f"{number:.3g}"
    # Three digits may round up to the next unit: 999,950 is 1.00M.
    scale, unit = next((scale, unit) for scale, unit in UNITS if abs(number) >= scale * 0.9995)
    return f"{_three_digits(number / scale)}{unit}"


def short(number: float | None) -> str:
    """As compact, but abbreviated from ten thousand on: for narrow columns."""
    return compact(number, in_full=10_000)


def money(amount: float | None, sign: str = "$") -> str:
    """`$214.38`, below one unit four decimals, from a hundred thousand on `$1.24M`."""
    if amount is None:
        return DASH
    if amount == 0:
        return f"{sign}0"
    if abs(amount) < 0.0001:
        return f"<{sign}0.0001"
    if abs(amount) < 1:
        return f"{sign}{amount:.4f}"
    return f"{sign}{amount:,.2f}" if amount < IN_FULL else f"{sign}{compact(amount)}"


def money_exact(amount: float | None, sign: str = "$") -> str:
    """The amount with every digit."""
    return DASH if amount is None else f"{sign}{Decimal(repr(amount)).normalize():f}"


def usd(dollars: float | None) -> str:
    """US dollars, whatever the currency of a page."""
    return money(dollars)


def percent(share: float | None) -> str:
    """`97.9%` of a share of one; never 100 or 0 for what is not quite."""
    if share is None:
        return DASH
    if share == 0:
        return "0%"
    if abs(share - 1) < 1e-12:  # sums of dollars are not exact: the whole must still read as 100%
        return "100%"
    if 0.9995 <= share < 1:
        return ">99.9%"
    return "<0.1%" if 0 < share < 0.0005 else f"{share * 100:.1f}%"


def duration(ms: float | None) -> str:
    """`532 ms`, `1.31 s`, `1 m 12 s`."""
    if ms is None:
        return DASH
    if ms < 1000:
        return f"{ms:.0f} ms"
    if ms < 60_000:
        return f"{_three_digits(ms / 1000)} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes} m {seconds:02d} s"


def rate(dollars: float | None) -> str:
    """A rate in US dollars per million tokens; a dash for one that is derived."""
    if dollars is None:
        return DASH
    return f"{dollars:,.2f}" if round(dollars, 2) == dollars else f"{dollars:g}"


def size(count: float | None) -> str:
    """Bytes as `1.20 MB`."""
    if count is None:
        return DASH
    scale, unit = next(((scale, unit) for scale, unit in BYTE_UNITS if count >= scale), (1, "B"))
    return f"{count} B" if scale == 1 else f"{_three_digits(count / scale)} {unit}"


def plus_or_minus(change: float) -> str:
    """The sign of a change: `+`, `−`, or nothing for no change."""
    return "+" if change > 0 else "−" if change < 0 else ""


def _three_digits(number):
    digits = 2 if abs(number) < 9.995 else 1 if abs(number) < 99.95 else 0
    return f"{number:.{digits}f}"
