"""Readers of the files that people bring: each turns what it holds into records as CPA sends them."""

from usage.imports.formats.detect import open_source
from usage.imports.formats.source import FoundAlias, FoundPrice, Item, Refused, Source

__all__ = ["FoundAlias", "FoundPrice", "Item", "Refused", "Source", "open_source"]
