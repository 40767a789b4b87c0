"""The one registry of token classes: what a request's tokens are divided into, and which rate each class is billed at.

Columns of events and rollups, sums, costs and explanations follow it. docs/architecture.md says how to add a class.
Pure.
"""

from typing import NamedTuple

from django.utils.translation import gettext_noop as _


class TokenClass(NamedTuple):
    """Tokens that are billed alike; the classes of a request do not overlap.

    `rate` is a field of rates.Rates; `title` is for people, to be translated.
    """

    name: str
    rate: str
    is_input: bool
    title: str


TOKEN_CLASSES = (
    TokenClass("uncached", "prompt", True, _("Uncached input")),
    TokenClass("cache_read", "cache_read", True, _("Read from cache")),
    TokenClass("cache_write", "cache_write", True, _("Written to cache for 5 minutes")),
    TokenClass("cache_write_1h", "cache_write_1h", True, _("Written to cache for an hour")),
    # CPA does not say for how long they are kept: they cost at least what five minutes cost.
    TokenClass("cache_write_unspecified", "cache_write", True, _("Written to cache")),
    TokenClass("output", "completion", False, _("Output")),  # without reasoning
    TokenClass("reasoning", "reasoning", False, _("Reasoning")),
    TokenClass("unclassified", "prompt", False, _("Unclassified")),  # what the total holds beyond the others
)
CLASSES = tuple(each.name for each in TOKEN_CLASSES)
INPUT_CLASSES = tuple(each.name for each in TOKEN_CLASSES if each.is_input)
CACHE_WRITES = tuple(name for name in CLASSES if name.startswith("cache_write"))
