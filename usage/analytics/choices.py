"""The parameters that only some questions have; pages and API share them."""

from django import forms
from django.utils.translation import gettext_lazy as _

from usage.analytics.accounts.accounts import ORDERS
from usage.analytics.comparisons import COMPARED, NONE, PREVIOUS
from usage.analytics.reports.summaries import BY
from usage.analytics.timelines import LATENCY, STACKED, WHOLE
from usage.query.filters import asks_for_failures
from usage.query.names import grouping_labels

OVER_TIME = [*WHOLE, LATENCY]
COMPARE = "The period before, or, with `week`, the same days so many weeks earlier that they lie before the period."
OLD_NAMES = {"effort": "reasoning_effort"}  # in links that were kept


class Choice(forms.CharField):
    """One of some names; blank for a default."""

    default_error_messages = {"unknown": _("Unknown %(name)s: use %(choices)s.")}

    def __init__(self, name, description, choices, default):
        super().__init__(required=False, help_text=description)
        self.name, self.choices, self.default = name, choices, default

    def clean(self, value):
        """The chosen name."""
        chosen = super().clean(value) or self.default
        chosen = OLD_NAMES.get(chosen, chosen)
        if chosen not in self.choices():
            text = self.error_messages["unknown"] % {"name": self.name, "choices": ", ".join(self.choices())}
            raise forms.ValidationError(text)
        return chosen


class BreakdownForm(forms.Form):
    """Which label usage is grouped by."""

    by = Choice("by", "The label that usage is grouped by.", grouping_labels, "model")


class AccountsForm(forms.Form):
    """Which accounts are listed, and in which order."""

    q = forms.CharField(
        required=False, max_length=255, help_text="Only accounts whose name, address, provider or index contains this."
    )
    sort = Choice("sort", "What they are sorted by; with `-` the largest first.", lambda: ORDERS, "-requests")


class AccountsPageForm(AccountsForm):
    """The same, how the page shows them, and which one is open next to the others."""

    view = Choice("view", "", lambda: ("table", "cards"), "table")
    group = Choice("group", "", lambda: ("none", "provider"), "none")
    account = forms.CharField(required=False, max_length=255)


class AccountForm(forms.Form):
    """Which account is meant."""

    account = forms.CharField(
        max_length=255,
        help_text="Its `id` of usage/accounts, or any of its auth indexes.",
        error_messages={"required": _("Name an account.")},
    )


class SummaryForm(forms.Form):
    """What the groups of a summary are."""

    by = Choice("by", "What usage is grouped by.", lambda: BY, "key")


class TimelineForm(BreakdownForm):
    """Which label, and which measure is stacked; for failures alone it is their number, because they cost nothing."""

    measure = Choice("measure", "What is stacked.", lambda: STACKED, "cost")

    def clean_measure(self):
        """The number of failures where only failures are asked for, unless a measure is given."""
        is_by_default = asks_for_failures(self.data) and not self.data.get("measure")
        return "requests" if is_by_default else self.cleaned_data["measure"]


class ChartForm(TimelineForm):
    """What a chart shows, and what it is compared with."""

    measure = Choice("measure", "What is shown; of failures `requests` is the default.", lambda: OVER_TIME, "cost")
    compare = Choice("compare", COMPARE, lambda: COMPARED, NONE)


class ComparisonForm(forms.Form):
    """What a period is compared with."""

    compare = Choice("compare", COMPARE, lambda: COMPARED[:2], PREVIOUS)


class MatrixForm(forms.Form):
    """Two labels that usage is grouped by."""

    rows = Choice("rows", "The label of the rows.", grouping_labels, "api_key")
    columns = Choice("columns", "The label of the columns.", grouping_labels, "model")

    def clean(self):
        """One label by itself is a breakdown."""
        cleaned = super().clean()
        if not self.errors and cleaned["rows"] == cleaned["columns"]:
            self.add_error("columns", _("The columns must be another label than the rows."))
        return cleaned
