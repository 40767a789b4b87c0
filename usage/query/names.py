"""How stored values of a label are called: what a filter takes, and what people read."""

from collections.abc import Collection
from functools import reduce
from operator import or_

from django.db.models import Q

from aliases.models import AccountName
from usage.models import Series
from usage.models.labels import LABELS, Label


def names_of(label: Label, values: Collection[str]) -> dict[str, tuple[str, str]]:
    """{stored value: (the value a filter takes, how to show it)}."""
    shown = {value: value for value in values}
    if label.shown:
        found = Series.values_of(label).filter(**{f"{label.columns[0]}__in": sorted(values)})
        shown |= {row[0]: label.shown_as(*row) for row in found}
    if label.name == "source":
        shown |= {account: name for account, name in AccountName.objects.names().items() if account in values}
    return {value: (label.key_of(value), text) for value, text in shown.items()}


def names_with(label: Label, text: str, most: int) -> list[tuple[str, str]]:
    """(the value a filter takes, how to show it) of some values, in use or not, that a text is found in."""
    matches = reduce(or_, (Q(**{f"{column}__icontains": text}) for column in label.columns))
    if label.name == "source":
        matches |= Q(source__in=AccountName.objects.filter(name__icontains=text).values("account"))
    found = [row[0] for row in Series.values_of(label).filter(matches)[:most] if row[0]]
    return list(names_of(label, dict.fromkeys(found)).values())


def grouping_labels() -> dict[str, Label]:
    """The labels that usage is grouped by, by name."""
    return {name: label for name, label in LABELS.items() if label.grouped}
