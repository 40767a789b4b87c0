"""What an export is to hold; the command, the API and the pages share it."""

from collections.abc import Iterator

from django import forms
from django.utils.translation import gettext as _

from usage.analytics.choices import OLD_NAMES, Choice
from usage.analytics.exports.formats import FORMATS, IN_FULL
from usage.analytics.exports.tables import events_table, group_columns, totals_table
from usage.analytics.reports.parts import FIRST_DAY
from usage.analytics.reports.summaries import BY
from usage.query.filters import UsageFilter
from usage.query.names import grouping_labels

SHORT = OLD_NAMES | BY


class NamesField(forms.CharField):
    """Names with commas between them, or of several parameters, each once."""

    widget = forms.MultipleHiddenInput

    def clean(self, value):
        """The names as a list."""
        text = super().clean(value if isinstance(value, str) else ",".join(value or ()))
        return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def unknown(given: list[str], choices) -> str:
    """A sentence about the first name that is not among the choices, if there is one."""
    strange = {"name": next((name for name in given if name not in choices), ""), "choices": ", ".join(choices)}
    return _("Unknown %(name)s: use %(choices)s.") % strange if strange["name"] else ""


class ExportForm(forms.Form):
    """Format, columns, and by what totals are grouped."""

    format = Choice("format", "The format of the file.", lambda: FORMATS, "csv")
    columns = NamesField(
        required=False,
        help_text="Columns, in this order, with commas between them; `by`, for totals: those of their groups.",
    )
    by = NamesField(
        required=False,
        help_text="Totals in place of attempts: one of `day`, `week`, `month`, and labels, with commas between them.",
    )

    def clean_format(self):
        """Refuses a format whose package is not installed."""
        chosen = FORMATS[self.cleaned_data["format"]]
        if chosen.is_missing:
            sentence = _("This needs the package %(package)s: install it into the environment of cpa-usage (pip).")
            raise forms.ValidationError(sentence % {"package": chosen.package})
        return self.cleaned_data["format"]

    def clean_by(self):
        """The labels under the names of the registry."""
        by = list(dict.fromkeys(SHORT.get(name, name) for name in self.cleaned_data["by"]))
        if wrong := unknown(by, (*FIRST_DAY, *grouping_labels())):
            raise forms.ValidationError(wrong)
        if len(FIRST_DAY.keys() & set(by)) > 1:
            raise forms.ValidationError(_("Use one of day, week and month."))
        return by

    def parts(self, filters: UsageFilter) -> Iterator[bytes]:
        """The valid form's file, read as it is asked for; ValidationError names columns or the period's end."""
        chosen, names = self.cleaned_data, self._columns()
        table = totals_table(filters, chosen["by"]) if self.is_of_totals else events_table(filters)
        if wrong := unknown(names, table.columns):
            raise forms.ValidationError({"columns": wrong})
        names = names or (table.full if chosen["format"] in IN_FULL else table.usual)
        columns = {name: table.columns[name] for name in names}
        return FORMATS[chosen["format"]].parts(columns, table.rows(list(names)))

    @property
    def is_of_totals(self) -> bool:
        """Whether the valid form asks for totals: `by` among the columns does, too, by nothing then: of the period."""
        return bool(self.cleaned_data["by"]) or "by" in self.cleaned_data["columns"]

    def _columns(self):
        """The names of columns that were given, the groups' own in the place of `by`."""
        given, groups = self.cleaned_data["columns"], group_columns(self.cleaned_data["by"])
        return list(dict.fromkeys(each for name in given for each in (groups if name == "by" else (name,))))
