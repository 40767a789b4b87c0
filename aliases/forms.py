"""The admin's form for a file of names."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from msgspec import DecodeError, json
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from aliases.serializers import AliasFile

MODES = [("merge", _("merge: keep names that are not in the file")), ("replace", _("replace: clear them"))]
MOST_BYTES = 10_000_000


class ImportForm(forms.Form):
    """An exported file, checked whole."""

    file = forms.FileField(
        label=_("File"),
        widget=UnfoldAdminFileFieldWidget,
        help_text=_("An export of names, of this program or of the older cpa-usage."),
    )
    mode = forms.ChoiceField(label=_("Mode"), choices=MODES, widget=UnfoldAdminSelectWidget)

    def clean_file(self):
        """The items in the file, each checked as the API does; the error names the first bad one."""
        upload = self.cleaned_data["file"]
        if upload.size > MOST_BYTES:
            raise ValidationError(_("The file is too large to be an export."))
        try:
            found = json.decode(upload.read())
        except (DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ValidationError(_("The file is not JSON.")) from error
        if not isinstance(found, dict):
            raise ValidationError(_("The file must hold a JSON object with items."))
        checked = AliasFile(data={"items": found.get("items")})
        if not checked.is_valid():
            raise ValidationError(_first(checked.errors))
        return checked.validated_data["items"]


def _first(detail, path=""):
    """The first of nested errors, with its path; items are numbered from 1."""
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        return _first(inner, path + ((_("item %d, ") % (name + 1)) if isinstance(name, int) else f"{name}: "))
    return f"{path}{detail[0]}"
