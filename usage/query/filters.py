"""What a question about usage is restricted to: a period, values of labels, and what only single events know."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cpa_usage.keys import fingerprint, fingerprint_of
from usage.models.labels import FAILED, LABELS, NO_KEY, NONE, NOT, SUCCESS, filtering
from usage.time.periods import Period

TRACE_ID = re.compile(r"\d{14}-[0-9a-f]{16}-([0-9a-f]{8})")


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Plain values: each label that is filtered by with the stored values that pass, or that do not, and what totals
    do not know."""

    period: Period
    labels: tuple[tuple[str, tuple], ...] = ()  # (parameter of `filtering`, values), each label once
    message: str | None = None  # the beginning of the error body
    request_id: str = ""
    query: tuple = ()  # the parameters as understood, for ETags

    @property
    def of_events(self) -> bool:
        """Whether only kept events can answer."""
        return self.message is not None or bool(self.request_id)

    @property
    def of_failures(self) -> bool:
        """Whether only failed attempts pass."""
        return self.values_of("result") == (True,) or self.message is not None or "status" in dict(self.labels)

    def values_of(self, label: str) -> tuple | None:
        """The stored values that pass; None when the label is not filtered by."""
        return dict(self.labels).get(label)

    def with_period(self, period: Period) -> "UsageFilter":
        """The same filter over another period."""
        return replace(self, period=period)


def asks_for_failures(parameters: Mapping[str, str]) -> bool:
    """Whether they ask for failed attempts alone; only these have a status or a message."""
    asked = parameters.get("result") == FAILED or parameters.get(f"{NOT}result") == SUCCESS
    return asked or bool(parameters.get("status") or parameters.get("message"))


def conditions(given: dict[str, list[str]]) -> tuple[tuple[str, tuple], ...]:
    """What UsageFilter.labels holds, of the values of each parameter; what is excluded is not wanted."""
    found = {name: stored_values(label.name, given[name]) for name, label in filtering().items() if name in given}
    for name in LABELS.keys() & found.keys():
        excluded = found.pop(f"{NOT}{name}", ())
        found[name] = tuple(value for value in found[name] if value not in excluded)
    return tuple(found.items())


def stored_values(label: str, given: list[str]) -> tuple:
    """What the values of a query parameter are stored as."""
    match label:
        case "model":
            return tuple(given)
        case "source":
            return (*map(label_value, given), *map(fingerprint, given))
        case "api_key":
            return tuple(dict.fromkeys(map(key_fingerprint, given)))
        case "result":
            return tuple(text == FAILED for text in given)
        case "status":
            return tuple(map(int, given))
    return tuple(map(label_value, given))


def label_value(text: str) -> str:
    """The label that a value of a filter names."""
    return "" if text == NONE else text


def key_fingerprint(text: str) -> str:
    """The fingerprint of a client key given raw, as its fingerprint, or as `unknown` for none."""
    return "" if text == NO_KEY else fingerprint_of(text)


def request_id_of(text: str) -> str:
    """A request id, also out of a pasted X-CPA-TRACE-ID (time-auth_index-request_id)."""
    text = text.strip()
    trace = TRACE_ID.fullmatch(text)
    return trace.group(1) if trace else text
