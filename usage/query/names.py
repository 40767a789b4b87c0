"""Names of stored label values: what a filter takes, and what people read."""

from collections.abc import Collection
from functools import reduce
from operator import or_

from django.db.models import Q

from aliases.models import AccountName, ApiKey
from usage.models import Series
from usage.models.labels import LABELS, OWNER, Label
from usage.query.filters import key_fingerprint
from usage.query.snapshots import once

account_names = once(AccountName.objects.names)  # what people call accounts
owners = once(ApiKey.objects.owners)  # of each client key that has one, by fingerprint


def names_of(label: Label, values: Collection[str]) -> dict[str, tuple[str, str]]:
    """{stored value: (the value a filter takes, how to show it)}."""
    label = LABELS["api_key"] if label.name == OWNER else label  # owners, and keys that have none
    shown = {value: value for value in values}
    if label.shown:
        found = Series.values_of(label).filter(**{f"{label.columns[0]}__in": sorted(values)})
        shown |= {row[0]: label.shown_as(*row) for row in found}
    if label.name == "source":
        shown |= {account: name for account, name in account_names().items() if account in values}
    return {value: (label.key_of(value), text) for value, text in shown.items()}


def names_with(label: Label, text: str, most: int) -> list[tuple[str, str]]:
    """(the value a filter takes, how to show it) of some values, in use or not, that a text is found in."""
    matches = reduce(or_, (Q(**{f"{column}__icontains": text}) for column in label.columns))
    if label.name == "source":
        matches |= Q(source__in=AccountName.objects.filter(name__icontains=text).values("account"))
    found = [row[0] for row in Series.values_of(label).filter(matches)[:most] if row[0]]
    return list(names_of(label, dict.fromkeys(found)).values())


def keys_of(wanted: list[str], among: list[str] | None = None) -> list[str]:
    """The client keys of owners, and those given themselves that have none, as filters take them; `among` these."""
    known = owners()
    names = set(known.values())
    keys = [key for key, owner in known.items() if owner in wanted]
    keys += [key for key in wanted if key not in names and key_fingerprint(key) not in known]
    found = set(map(key_fingerprint, keys))
    return keys if among is None else [key for key in among if key_fingerprint(key) in found]


def grouping_labels() -> dict[str, Label]:
    """The labels that usage is grouped by, by name."""
    return {name: label for name, label in LABELS.items() if label.grouped}
