"""What pricing needs to know and to change of recorded usage. Pricing itself has none: the class that
settings.PRICE_HISTORY names has these methods.
"""

from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

# (CPA's name of the provider, auth index) -> the base URL of that account, "" where none is known.
Routes = dict[tuple[str, str], str]


class PriceHistory(Protocol):
    """Recorded usage, as far as prices concern it: that of a Model, or what has some values of fields of Charged."""

    def recost(self, usage, book, before):
        """Cost usage by a PriceBook, in the caller's transaction.

        Its labels are those of the PriceBook `before`: where they do not tell apart what `book` does, events are
        looked through as well.
        Raises django.db.Error or OverflowError, and changes nothing, when a sum would not fit in its column.
        """

    def effect_of(self, usage, book, name=None):
        """What recost() would change. Writes nothing. `name` gives the `month` of a local day's number, if not its own.

        The effect has `months`, each with `month`, `changes`, and `cost_before`, `cost_after` (pico-USD),
        `unpriced_before` and `unpriced_after` (tokens); their `total`; `unreached`, the first and last day that keep
        their context sizes, or None; and effects of several models can be added.
        """

    def routes(self) -> dict[int, Routes]:
        """The routes that each model was reached over, by its id; a model without usage is not in it."""


def price_history() -> PriceHistory:
    """The recorded usage of this project."""
    return import_string(settings.PRICE_HISTORY)()
