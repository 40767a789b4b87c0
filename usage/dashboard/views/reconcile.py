"""A provider's file compared with our records. Nothing of it is kept but which columns were chosen."""

from functools import wraps
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from usage.analytics.options import filter_options
from usage.analytics.reconciliation.comparing import reconcile as compared
from usage.analytics.reconciliation.files import bill_in, remembered
from usage.analytics.reconciliation.zones import TRIED
from usage.dashboard.pages import page
from usage.query.filters import UsageFilter, stored_values
from usage.reconcile.bills import Unknown
from usage.reconcile.cells import ORDERS
from usage.reconcile.columns import ROLES, Mapping, guessed
from usage.reconcile.sheets import MAX_BYTES, BadFile, read
from usage.time.periods import Period

FORM_BYTES = 100_000  # what a form may have beyond the file
SAMPLES = 3
ALL_RECORDS = UsageFilter(Period(None, None))


class FileForm(forms.Form):
    """The file, the records it is compared with, and which column is what where that was chosen."""

    file = forms.FileField(error_messages=dict.fromkeys(("required", "invalid"), gettext_lazy("Choose a file.")))
    timezone = forms.CharField(required=False)
    provider = forms.CharField(required=False)
    source = forms.CharField(required=False)
    choose = forms.BooleanField(required=False)  # the columns, also of a file that could be read
    order = forms.CharField(required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for role in ROLES:
            self.fields[f"column_{role}"] = forms.CharField(required=False, strip=False)

    def clean_timezone(self):
        """A zone that exists, or none."""
        name = self.cleaned_data["timezone"]
        if name and name not in available_timezones():
            raise forms.ValidationError(_("There is no such time zone."))
        return name

    def filters(self) -> UsageFilter:
        """The records of the provider and the account."""
        given = {"provider": self.cleaned_data["provider"], "source": self.cleaned_data["source"]}
        values = {"provider": given["provider"], "source": [given["source"]]}
        labels = ((name, stored_values(name, value)) for name, value in values.items() if given[name])
        return UsageFilter(ALL_RECORDS.period, tuple(labels))

    def mapping(self) -> Mapping | None:
        """What was chosen; None where nothing was."""
        columns = {role: self.cleaned_data[f"column_{role}"] for role in ROLES}
        columns = {role: name for role, name in columns.items() if name}
        zone, order = self.cleaned_data["timezone"] or "UTC", self.cleaned_data["order"] or "ymd"
        return Mapping(columns, zone, order) if columns else None


def of_limited_size(view):
    """Decorator: a request that is too large is refused before any of it is read."""

    @wraps(view)
    def wrapper(request):
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BYTES + FORM_BYTES:
            messages.error(request, _("The file is larger than %(size)s MB.") % {"size": MAX_BYTES // 1_000_000})
            return redirect("reconcile")
        return view(request)

    return wrapper


@csrf_exempt  # for the outer two alone: the check itself would read all of the file
@of_limited_size
@csrf_protect
@page("usage/reconcile.html", cached=False)
def reconcile(request, filters):
    """The form; with a file, the comparison or the choice of columns."""
    form = FileForm(request.POST, request.FILES) if request.method == "POST" else None
    return {
        "zones": dict.fromkeys((*TRIED, settings.TIME_ZONE)),
        "options": filter_options(ALL_RECORDS),
        "posted": request.POST,
        **(_answer(form) if form else {}),
    }


def _answer(form):
    """What the file gave, or why it gave nothing."""
    if not form.is_valid():
        return {"wrong": next(iter(form.errors.values()))[0]}
    try:
        sheet = read(form.cleaned_data["file"].read())
    except BadFile as error:
        return {"wrong": str(error)}
    mapping = form.mapping()
    if form.cleaned_data["choose"] and not mapping:
        return _choice(sheet, remembered(sheet))
    try:
        bill = bill_in(sheet, mapping, form.cleaned_data["timezone"])
    except Unknown:
        return _choice(sheet, None)
    except BadFile as error:
        return {"wrong": str(error), **(_choice(sheet, mapping) if mapping else {})}
    found = compared(form.filters(), bill)
    return {"found": found, "differing": [row for row in found.rows if not row.agrees]}


def _choice(sheet, mapping):
    """The roles, each with the column that is chosen for it or probably has it."""
    chosen = mapping.columns if mapping else guessed(sheet)
    return {
        "roles": [(role, title, chosen.get(role, "")) for role, title in ROLES.items()],
        "header": sheet.header,
        "names": [name for name in sheet.header if name],
        "samples": [cells for _, cells in sheet.rows[:SAMPLES]],
        "orders": ORDERS.items(),
        "chosen_order": mapping.order if mapping else "ymd",
    }
