"""Sparklines as points of an SVG polyline. Pure."""

POINTS = 60  # at most
WIDTH, HEIGHT, MARGIN = 200, 32, 2
STRIP_HEIGHT = 30


def spark(values: list[float | None]) -> str:
    """Points in WIDTH × HEIGHT; neighbours are averaged down to POINTS, unknown values left out."""
    size = max(1, -(-len(values) // POINTS))
    groups = [[v for v in values[i : i + size] if v is not None] for i in range(0, len(values), size)]
    means = [(place, sum(known) / len(known)) for place, known in enumerate(groups) if known]
    if len(means) < 2 or not any(value for _, value in means):
        return ""
    low, high = min(value for _, value in means), max(value for _, value in means)
    if high > 1:  # of shares it matters how far below all they are; other values start from zero
        low = min(0, low)
    across, up = WIDTH / (len(groups) - 1), (HEIGHT - 3 * MARGIN) / ((high - low) or 1)
    return " ".join(f"{place * across:.0f},{HEIGHT - MARGIN - (value - low) * up:.1f}" for place, value in means)


def area(points: str) -> str:
    """The same points and those of the base line below their ends."""
    first, last = (points.split(" ")[place].partition(",")[0] for place in (0, -1))
    return f"{first},{HEIGHT} {points} {last},{HEIGHT}"


def sparkline(shares: list[float]) -> str:
    """Points of a line of shares, full height for a whole."""
    across = WIDTH / max(1, len(shares) - 1)
    return " ".join(f"{n * across:.0f},{(1 - min(1, share)) * STRIP_HEIGHT + 1:.1f}" for n, share in enumerate(shares))
