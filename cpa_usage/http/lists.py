"""Lists of the API, which have a largest size: which items are asked for, and how many there are in all."""

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Annotated, Any, NamedTuple

from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiParameter
from msgspec import Meta, Struct, convert
from rest_framework import serializers

from cpa_usage.http.fields import TextField
from cpa_usage.http.rest import valid

LIMIT, MOST = 500, 2000  # items of a list: without a limit, and at most
LAST = 10**9
ABOUT_LIMIT = "Largest number of items in a list; where a list is cut, `totals` gives its full number."


class Listing(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A reply whose lists may be cut."""

    totals: Annotated[
        dict[str, int], Meta(description="The full number of items of each list that was cut; absent if none was.")
    ] = {}


class ListQuery(NamedTuple):
    """Which items of a list are asked for: so many after the first `offset`, of those that `q` is found in."""

    limit: int = LIMIT
    offset: int = 0
    q: str = ""

    @property
    def end(self) -> int:
        """The place after the last of them."""
        return self.offset + self.limit

    def found(self, rows: QuerySet) -> tuple[list, int]:
        """The rows of a QuerySet that are asked for, and how many it has in all."""
        items = list(self.of(rows))
        is_last = len(items) < self.limit and (items or not self.offset)
        return items, self.offset + len(items) if is_last else rows.count()

    def listing(self, shape: type[Listing], rows: QuerySet, *fields: str) -> Listing:
        """The rows of a QuerySet that are asked for, as a Listing of `items`; `q` is looked for in these fields."""
        said = reduce(or_, (Q(**{f"{name}__icontains": self.q}) for name in fields))
        found, count = self.found(rows.filter(said))
        items = convert(found, shape.__annotations__["items"], from_attributes=True)
        return shape(items=items, totals=totals_of(items=(count, items)))

    def among(self, items: Iterable, name: Callable[[Any], str]) -> list:
        """The items in whose names `q` is found."""
        return [item for item in items if self.q.lower() in name(item).lower()]

    def of(self, items: Sequence) -> Sequence:
        """The items of a list or a QuerySet that are asked for."""
        return items[self.offset : self.end]


ALL = ListQuery(limit=LAST)


class PageFields(serializers.Serializer):
    """The parameters of a list that cannot be searched."""

    limit = serializers.IntegerField(default=LIMIT, min_value=1, max_value=MOST, help_text=ABOUT_LIMIT)
    offset = serializers.IntegerField(default=0, min_value=0, max_value=LAST, help_text="Number of items to skip.")


class ListFields(PageFields):
    """The parameters of a ListQuery."""

    q = TextField(default="", allow_blank=True, max_length=255, help_text="Only items whose names contain this.")


def limit_parameter(default: int) -> OpenApiParameter:
    """The parameter of a list that has no pages."""
    schema = {"type": "integer", "minimum": 1, "maximum": MOST, "default": default}
    return OpenApiParameter("limit", schema, description=ABOUT_LIMIT)


def query_of(request, limit: int = LIMIT) -> ListQuery:
    """What the parameters of a request want, so many items by default; 400 names the one at fault."""
    given = {name: text for name, text in request.query_params.items() if name in ListQuery._fields and text.strip()}
    return ListQuery(**valid(ListFields, {"limit": limit} | given))


def totals_of(**lists: tuple[int, Sequence]) -> dict[str, int]:
    """`totals` of a reply: of each list how many were found, and the items that are sent."""
    return {name: found for name, (found, items) in lists.items() if len(items) < found}


def counted(listing) -> tuple[Any, int]:
    """A Listing of `items`, and how many there are in all."""
    return listing, listing.totals.get("items", len(listing.items))
