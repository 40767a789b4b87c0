"""How prices change: in one transaction with the history that they cost, or only to see what that would be."""

from collections.abc import Callable
from contextlib import contextmanager

from django.db import transaction

from pricing import book as books
from pricing.models.sets import Revision


@contextmanager
def repricing(recost: "Callable[[books.PriceBook, books.PriceBook], None]"):
    """Change rows of prices within: one transaction, at whose end `recost` costs history by the books before and after.

    The revision is bumped first, so that two changes cannot cross; then the rows change; then re-costing takes the
    writer's lock. The writer takes that lock and only reads the revision, so neither can wait for the other.

    No savepoint of its own: for one, SQLite would keep in memory what every page changed held before.
    """
    with transaction.atomic(savepoint=False):
        Revision.bump()
        before = books.PriceBook.load()
        yield
        recost(before, books.PriceBook.load())


def book_after(change: Callable[[], object]) -> "books.PriceBook":
    """The prices as they would be after a change of rows, which is rolled back."""
    with transaction.atomic():
        change()
        book = books.PriceBook.load()
        transaction.set_rollback(True)
    return book
