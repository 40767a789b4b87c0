"""The one registry of labels: what tells series apart, and how people filter and group by it.

The filter form, the parameters of the API, the chips and choices of pages, the dimensions of breakdowns and the kept
totals are all derived from it. docs/architecture.md says how to add a label.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cpa_usage.keys import fingerprint

OTHER = "(other)"  # stands for the values of a label that came when it had as many as it may have
OTHER_KEY = fingerprint(OTHER)  # what it is called among client keys, so that filters find it by its name
MOST_VALUES = 1_000
NONE = "(none)"  # what a filter calls an empty label: a blank parameter is no filter
NOT = "not_"  # before the name of a label: a filter that keeps all but these values
OWNER = "owner"  # a label made of another: of client keys
NO_KEY = "unknown"  # what the API calls the key of a request that came without one
FAILED, SUCCESS = "failed", "success"
STATUS_CODES = range(100, 600)  # any other number counts as 0, so that odd ones cannot flood the series


@dataclass(frozen=True)
class Label:
    """A label of Series. `name` is the query parameter, `column` the path from Series to the stored value.

    `shown` are more columns, which say how to show the value to people. `kept`: whether totals are kept for each of its
    values. `text` gives the stored value as a text, which names it in kept totals. `most` values keep their names, in
    the order in which they are met, and the others are OTHER; None: there are only so many.
    """

    name: str
    title: str | Promise
    column: str
    description: str
    shown: tuple[str, ...] = ()
    kept: bool = False
    grouped: bool = True  # whether breakdowns and timelines group by it, and choices are listed for it
    text: Callable[[Any], str] = str
    most: int | None = MOST_VALUES

    @property
    def field(self) -> str:
        """The field of Series that holds the value, or the row that has it."""
        return self.column.partition("__")[0]

    @property
    def other(self) -> str:
        """What is stored where the value has no name of its own."""
        return OTHER_KEY if self.name == "api_key" else OTHER

    @property
    def columns(self) -> tuple[str, ...]:
        """Everything that names a value, in the table that holds it: what it is stored as, then how to show it."""
        return tuple(column.rpartition("__")[2] for column in (self.column, *self.shown))

    def key_of(self, value: str) -> str:
        """What a filter takes for a stored value."""
        return value or (NO_KEY if self.name in {"api_key", OWNER} else NONE)

    def shown_as(self, value: str, *shown: str) -> str:
        """How to show a value, from its values of `columns`."""
        return key_name(*shown) if self.name == "api_key" else next(filter(None, shown), value)


def key_name(alias: str, mask: str) -> str:
    """What people call a client key."""
    return alias or mask or "no key"


def group_of(key: str, name: str, provider: str, endpoint: str) -> tuple[str, str]:
    """(key, display) of the group that usage belongs to: the client key, else provider, endpoint, unknown."""
    other = provider or endpoint or "unknown"
    return (key, name) if key else (other, other)


def status_of(failed: bool, code: int) -> int | None:
    """The status label of an attempt that ended with this code: 0 for a failure without one, None for a success."""
    return (code if code in STATUS_CODES else 0) if failed else None


def _result(failed: bool) -> str:
    return FAILED if failed else SUCCESS


LABELS = {
    label.name: label
    for label in (
        Label("model", _("Model"), "model__name", "The model as billed.", kept=True, most=2_000),
        Label(
            "api_key",
            _("Key"),
            "api_key__fingerprint",
            "The client key, raw or as fingerprint; `unknown` for none.",
            shown=("api_key__alias", "api_key__mask"),
            kept=True,
            most=10_000,
        ),
        Label(
            OWNER,
            _("Owner"),
            "api_key__owner",
            "Owners of client keys, as the names of keys have them: all of their keys; a key without one by itself.",
            most=None,
        ),
        Label(
            "source",
            _("Account"),
            "source",
            "The account: an e-mail or name, or an upstream key or its fingerprint.",
            shown=("source_display",),
            kept=True,
            most=10_000,
        ),
        Label(
            "auth_index", _("Account index"), "auth_index", "The account's index at CPA.", grouped=False, most=10_000
        ),
        Label(
            "result",
            _("Result"),
            "failed",
            "Attempts that succeeded (`success`), or those that failed (`failed`).",
            kept=True,
            grouped=False,
            text=_result,
            most=None,
        ),
        Label("provider", _("Provider"), "provider", "The upstream's provider.", kept=True),
        Label("endpoint", _("Endpoint"), "endpoint", "Method and route, such as `POST /v1/messages`.", kept=True),
        Label(
            "requested_model",
            _("Requested model"),
            "requested_model",
            f"The model that clients asked for; `{NONE}`, as with any label, where it is empty.",
            most=2_000,
        ),
        Label(
            "reasoning_effort",
            _("Effort"),
            "reasoning_effort",
            f"The effort asked for, such as `high`; `{NONE}` where none was.",
            kept=True,
        ),
        Label(
            "tier",
            _("Tier"),
            "tier",
            f"What it is billed as: `flex`, `priority`, `batch`, `fast` (Claude), or `{NONE}` for the standard tier.",
            kept=True,
            most=None,
        ),
        Label(
            "status",
            _("Status"),
            "status",
            "Failures with this status code, 0 for those without one.",
            kept=True,
            grouped=False,
            most=None,
        ),
    )
}


def filtering() -> dict[str, Label]:
    """The label that each parameter filters by: `model` keeps any of its values, `not_model` all but these."""
    return LABELS | {f"{NOT}{name}": label for name, label in LABELS.items()}


def kept_labels() -> list[Label]:
    """The labels of whose values totals are kept."""
    return [label for label in LABELS.values() if label.kept]


def open_labels() -> list[Label]:
    """The labels whose values others make up, each of which is limited; two of them nothing is filtered by."""
    unlisted = [Label(name, name, name, "") for name in ("executor_type", "auth_type")]
    return [*(label for label in LABELS.values() if label.most), *unlisted]
