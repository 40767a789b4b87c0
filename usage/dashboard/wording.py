"""Numbers and moments in words: three digits that can be read at a glance. Pure; what is not known is a dash."""

from datetime import datetime
from decimal import Decimal

DASH = "–"
UNITS = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k"))
IN_FULL = 100_000


def exact(number: float | None) -> str:
    """`1,240,000`."""
    return DASH if number is None else f"{number:,}"


def compact(number: float | None) -> str:
    """`48,213` in full up to a hundred thousand, above that `1.24 M`."""
    if number is None:
        return DASH
    if abs(number) < IN_FULL:
        return f"{number:,.0f}" if isinstance(number, int) or abs(number) >= 100 else f"{number:.3g}"
    for size, unit in UNITS:
        # Three digits may round up to the next unit: 999,950 is 1.00 M.
        if abs(number) >= size * 0.9995:
            return f"{_three(number / size)} {unit}"
    return exact(number)


def short(number: float | None) -> str:
    """As compact, but abbreviated from ten thousand on: for narrow columns."""
    if number is None or abs(number) < 10_000:
        return compact(number)
    size, unit = next((size, unit) for size, unit in UNITS if abs(number) >= size * 0.9995)
    return f"{_three(number / size)} {unit}"


def usd(dollars: float | None) -> str:
    """`$214.38`, below a dollar four decimals, from a hundred thousand on `$1.24 M`."""
    if dollars is None:
        return DASH
    if dollars == 0:
        return "$0"
    if abs(dollars) < 0.0001:
        return "<$0.0001"
    if abs(dollars) < 1:
        return f"${dollars:.4f}"
    return f"${dollars:,.2f}" if dollars < IN_FULL else f"${compact(dollars)}"


def usd_exact(dollars: float | None) -> str:
    """Every digit there is."""
    return DASH if dollars is None else f"${Decimal(repr(dollars)).normalize():f}"


def percent(share: float | None) -> str:
    """`97.9 %` of a share of one; never 100 or 0 for what is not quite."""
    if share is None:
        return DASH
    if abs(share - 1) < 1e-12:  # sums of dollars are not exact: what is all of it must read so
        share = 1
    if 0.9995 <= share < 1:
        return ">99.9 %"
    if 0 < share < 0.0005:
        return "<0.1 %"
    return f"{share * 100:.1f} %".replace(".0 %", " %") if share in (0, 1) else f"{share * 100:.1f} %"


def duration(ms: float | None) -> str:
    """`532 ms`, `1.31 s`, `1 m 12 s`."""
    if ms is None:
        return DASH
    if ms < 1000:
        return f"{ms:.0f} ms"
    if ms < 60_000:
        return f"{_three(ms / 1000)} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes} m {seconds:02d} s"


def instant(text: str | None, zone) -> datetime | None:
    """The local moment of an RFC 3339 text."""
    return datetime.fromisoformat(text).astimezone(zone) if text else None


def size(count: float | None) -> str:
    """Bytes as `1.2 MB`."""
    if count is None:
        return DASH
    for power, unit in ((3, "GB"), (2, "MB"), (1, "kB")):
        if count >= 1000**power:
            return f"{_three(count / 1000**power)} {unit}"
    return f"{count} B"


def _three(number):
    digits = 2 if abs(number) < 9.995 else 1 if abs(number) < 99.95 else 0
    return f"{number:.{digits}f}"
