"""What is kept of a reply, and where two replies differ. Knows nothing of Django or of the project.

Short answers are kept whole. Of a long list are kept its length, its first item, the sums of its numbers, and a digest
of each run of items, so that a difference is found at its place; of a long text its beginning and its digest.
"""

import json
from collections import defaultdict
from hashlib import sha256

WHOLE_ITEMS = 6  # a longer list is kept in short
RUNS = 20  # at most so many digests of one list
WHOLE_TEXT = 600
BEGINNING = 200
LONGEST_SHOWN = 300  # characters of a value in a message
IN_SHORT = "~"  # its key in what stands for a list or a text


def kept(value):
    """A JSON value as it is kept."""
    if isinstance(value, dict):
        return {name: kept(part) for name, part in value.items()}
    if isinstance(value, str) and len(value) > WHOLE_TEXT:
        return {IN_SHORT: "text", "length": len(value), "begins": value[:BEGINNING], "digest": digest(value, 32)}
    if isinstance(value, list) and len(value) > WHOLE_ITEMS:
        first = {"first": kept(value[0])} if isinstance(value[0], dict) else {}
        return {
            IN_SHORT: "list",
            "length": len(value),
            **first,
            "sums": sums(value),
            "digests": " ".join(digests(value)),
        }
    return [kept(part) for part in value] if isinstance(value, list) else value


def digest(value, digits: int = 6) -> str:
    """Some hexadecimal digits that another value would hardly have."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()[:digits]


def digests(items: list) -> list[str]:
    """A digest of each run of equally many items."""
    width = run_of(len(items))
    return [digest(items[start : start + width]) for start in range(0, len(items), width)]


def run_of(length: int) -> int:
    """How many items of a list of this length have a digest in common."""
    return -(-length // RUNS)


def sums(value) -> dict[str, float]:
    """Numbers that occur in it anywhere, added up by their names."""
    found = defaultdict(list)
    _collect(value, found)
    added = {name: sum(numbers) for name, numbers in sorted(found.items())}
    return {name: round(number, 9) if isinstance(number, float) else number for name, number in added.items() if number}


def _collect(value, found, name=""):
    if isinstance(value, dict):
        for inner, part in value.items():
            _collect(part, found, inner)
    elif isinstance(value, list):
        for part in value:
            _collect(part, found, name)
    elif isinstance(value, int | float):
        found[name].append(value)


def difference(was, now, path: str = "") -> str | None:
    """The first place at which a whole value is not the kept one, with both; None where it is the same."""
    if isinstance(was, dict) and IN_SHORT in was:
        return (_in_list if was[IN_SHORT] == "list" else _in_text)(was, now, path)
    if isinstance(was, dict) and isinstance(now, dict):
        return _first(_of_name(was, now, name, f"{path}.{name}") for name in sorted(was.keys() | now.keys()))
    if isinstance(was, list) and isinstance(now, list):
        found = _first(difference(*pair, f"{path}[{nth}]") for nth, pair in enumerate(zip(was, now, strict=False)))
        return found or (None if len(was) == len(now) else f"{path}: {len(was)} items became {len(now)}")
    same = type(was) is type(now) and was == now
    return None if same else f"{path or 'all of it'}: was {_shown(was)}, is {_shown(now)}"


def _first(found):
    return next(filter(None, found), None)


def _of_name(was, now, name, path):
    if name not in now:
        return f"{path}: was {_shown(was[name])}, is gone"
    return difference(was[name], now[name], path) if name in was else f"{path}: was not, is {_shown(now[name])}"


def _in_text(was, now, path):
    if isinstance(now, str) and digest(now, 32) == was["digest"]:
        return None
    return f"{path}: was {was['length']} characters, {_shown(was['begins'])}…, is {_shown(now)}"


def _in_list(was, now, path):
    if not isinstance(now, list):
        return f"{path}: was a list of {was['length']}, is {_shown(now)}"
    if len(now) == was["length"] and (" ".join(digests(now)) == was["digests"]):
        return None
    apart = _sums_apart(was["sums"], sums(now))
    if len(now) != was["length"]:
        return f"{path}: {was['length']} items became {len(now)}; {apart}"
    if "first" in was and (found := difference(was["first"], now[0], f"{path}[0]")):
        return f"{found}; {apart}"
    width, pairs = run_of(len(now)), zip(was["digests"].split(), digests(now), strict=True)
    runs = [nth * width for nth, (old, new) in enumerate(pairs) if old != new]
    place = f"{runs[0]}:{runs[0] + width}" if width > 1 else runs[0]
    return f"{path}[{place}]: is {_shown(now[runs[0] : runs[0] + width])}; {len(runs) * width} items concerned; {apart}"


def _sums_apart(was, now):
    apart = [
        f"{name} was {was.get(name, 0)}, is {now.get(name, 0)}"
        for name in sorted(was.keys() | now.keys())
        if was.get(name, 0) != now.get(name, 0)
    ]
    return f"sums: {', '.join(apart)}" if apart else "all sums are the same"


def _shown(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
