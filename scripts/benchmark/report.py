"""Prints figures as tables for people; what was measured stays as it is."""


def table(rows: list[tuple], head: tuple) -> str:
    """Columns as wide as their widest cell; numbers to the right."""
    lines = [tuple(map(_cell, row)) for row in [head, *rows]]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if _is_number(cell) else cell.ljust(width)
            for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def facts(figures: dict) -> str:
    """One figure a line; nested ones on the line of their name."""
    return "\n".join(f"  {name:28} {_cell(value)}" for name, value in figures.items())


def compared(figures: dict, before: dict) -> str:
    """Medians of the reads that both runs asked, the largest ratio first."""
    earlier = {(read["path"], read["query"]): read["median"] for read in before["reads"]}
    rows = [
        (read["path"], read["query"], earlier[asked], read["median"], read["median"] / earlier[asked])
        for read in figures["reads"]
        if (asked := (read["path"], read["query"])) in earlier
    ]
    head = ("path", "query", before.get("database", "before"), figures["database"], "ratio")
    return table(sorted(rows, key=lambda row: -row[-1]), head)


def _cell(value) -> str:
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_cell(each)}" for name, each in value.items())
    return str(value)


def _is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "").isdigit()
