"""Merging of models and of client keys in the admin: its effect is shown first, and the task cluster does it."""

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django_q.tasks import async_task
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextInputWidget

from cpa_usage.keys import account_name, fingerprint, mask
from pricing.admin.confirming import Confirmed
from usage.ingest.folding import ALWAYS
from usage.models import Series
from usage.models.labels import LABELS, OTHER, Label
from usage.rollups.merging import Merge, Refused, target


class MergeForm(forms.Form):
    """The value that others become: its name, or (other)."""

    source = forms.CharField(label=_("Merge into"), initial=OTHER, widget=UnfoldAdminTextInputWidget)

    def __init__(self, label: Label, *args):
        super().__init__(*args)
        self._label = label

    def clean_source(self):
        """The stored value."""
        try:
            return target(self._label, self.cleaned_data["source"])
        except Refused as reason:
            raise ValidationError(str(reason)) from None


class Merging(Confirmed):
    """For a list of the values of a label; see UsageColumns."""

    @action(description=_("Merge into another, or into (other)"), permissions=["change"])
    def merge(self, request, queryset):
        """Ask into which, show the effect, and let the task cluster do it."""
        name, field = self.label
        request.POST = _without_key(LABELS[name], request.POST)
        form = MergeForm(LABELS[name], request.POST if "source" in request.POST else None)
        if not form.is_valid():
            return self.page(request, "source.html", _("Merge"), {"form": form}, but=["source"])
        into = form.cleaned_data["source"]
        values = [v for v in queryset.order_by().values_list(field, flat=True) if v not in {*ALWAYS, into}]
        if not values:
            messages.warning(request, _("There is nothing to merge."))
            return None
        title = _("Merge %(count)s into %(into)s") % {"count": f"{len(values):,}", "into": request.POST["source"]}
        if not self.confirmed(request):
            return self._ask_to_merge(request, Merge(LABELS[name], values, into), title)
        async_task("usage.tasks.merge_labels", name, values, into)
        done = _("%(title)s: the task cluster does it in the background, a day at a time.") % {"title": title}
        messages.success(request, done)
        return None

    def _ask_to_merge(self, request, merge, title):
        notes = [
            _("%(count)s requests are moved, and cannot be told apart afterwards.") % {"count": f"{merge.requests:,}"}
        ]
        effect = merge.effect()
        if effect.total.unpriced_after > effect.total.unpriced_before:
            notes.append(_("Where there is no price, their cost becomes unknown."))
        return self.ask(request, effect, title, notes)


def _without_key(label, posted):
    """The posted form as pages may show it again: a raw key is replaced by its fingerprint, which names it as well."""
    text = posted.get("source", "").strip()
    if label.name != "api_key" or mask(text) == text:
        return posted
    names = {each for row in Series.values_of(label).iterator() for each in row}
    if text in names:
        return posted
    found = posted.copy()
    found["source"] = key if (key := fingerprint(text)) in names else account_name(text)
    return found
