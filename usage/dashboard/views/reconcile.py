"""A provider's file compared with our records. Nothing of it is kept but which columns were chosen."""

from django import forms
from django.utils.translation import gettext_lazy

from usage.analytics.options import filter_options
from usage.analytics.reconciliation.comparing import reconcile as compared
from usage.analytics.reconciliation.files import bill_in, remembered
from usage.analytics.reconciliation.records import filter_of
from usage.dashboard.pages import page
from usage.reconcile.formats import CHOSEN, guessed
from usage.reconcile.sheets import MAX_BYTES, BadFile, read

SAMPLES = 3
CHOICES = 200


class FileForm(forms.Form):
    """The file and the records it is compared with."""

    file = forms.FileField(error_messages=dict.fromkeys(("required", "invalid"), gettext_lazy("Choose a file.")))
    timezone = forms.CharField(required=False)
    provider = forms.CharField(required=False)
    source = forms.CharField(required=False)
    choose = forms.BooleanField(required=False)  # the columns, also of a file that could be read


@page("usage/reconcile.html", cached=False, methods=("GET", "HEAD", "POST"))
def reconcile(request, filters):
    """The form; with a file, the comparison or the choice of columns."""
    answer = _answer(FileForm(request.POST, request.FILES)) if request.method == "POST" else {}
    return {"options": filter_options(filter_of("", ""), CHOICES), "posted": request.POST, **answer}


def _answer(form):
    """What the file gave, or why it gave nothing."""
    if not form.is_valid():
        return {"wrong": next(iter(form.errors.values()))[0]}
    given = form.cleaned_data
    columns = {role: name for role in CHOSEN if (name := form.data.get(f"column_{role}"))}
    try:
        sheet = read(given["file"].read(MAX_BYTES + 1))
    except BadFile as error:
        return {"wrong": str(error)}
    if given["choose"] and not columns:
        kept = remembered(sheet)
        return _choice(sheet, kept.columns if kept else guessed(sheet))
    try:
        bill = bill_in(sheet, columns, given["timezone"])
    except BadFile as error:
        return {"wrong": str(error), **(_choice(sheet, columns) if columns else {})}
    if bill is None:
        return _choice(sheet, guessed(sheet))
    return {"found": compared(filter_of(given["provider"], given["source"]), bill)}


def _choice(sheet, columns):
    """The roles, each with the column that is chosen for it or probably has it."""
    return {
        "roles": [(role, title, columns.get(role, "")) for role, title in CHOSEN.items()],
        "header": sheet.header,
        "names": [name for name in sheet.header if name],
        "samples": [cells for _, cells in sheet.rows[:SAMPLES]],
    }
