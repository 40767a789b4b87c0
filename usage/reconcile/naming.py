"""Names of models as providers' files spell them, so that they can be compared with those of records. Pure."""

import re
from functools import reduce

from pricing.catalogue.matching import BRACKETS, EFFORT, STAMP, THINKING

ENDINGS = (THINKING, STAMP, EFFORT, re.compile(r"-(preview|latest)$"))
NUMBER = re.compile(r"\d+$")
LONGEST = 255  # characters; names of records are no longer


def identity(name: str) -> str:
    """What all spellings of one model have in common; a date stamp, a preview and a seller's prefix do not count.

    `Claude Sonnet 4.5`, `anthropic/claude-4.5-sonnet-20250929` and `claude-sonnet-4-5(high)` are one model.
    """
    text = BRACKETS.sub("", name[:LONGEST].strip().lower()).removeprefix("models/").rpartition("/")[2]
    text = re.sub(r"[\s_@]+", "-", text)
    while (shorter := reduce(lambda rest, ending: ending.sub("", rest), ENDINGS, text)) != text:
        text = shorter
    words = [word for word in re.split(r"[-.]+", text) if word]
    # Sellers differ in the order of words; that of numbers is the version.
    numbers = [word for word in words if NUMBER.match(word)]
    return " ".join([*sorted(set(words) - set(numbers)), *numbers])
