"""The page on which one of the catalogue's candidates is chosen for a model, or the choice is forgotten."""

from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from pricing.admin.confirming import Confirmed
from pricing.models import Model

FORGET = _("Forget the choice of %s")


class Choosing(Confirmed):
    """For the admin of models: `candidates` is a read-only field whose links lead to the page."""

    def get_urls(self):
        """The page's address before those of the list."""
        chosen = path("<int:pk>/choose/", self.admin_site.admin_view(self.choose), name="pricing_model_choose")
        return [chosen, *super().get_urls()]

    def choose(self, request, pk):
        """Show what choosing `?entry=` changes, or forgetting the choice without one; do it once it is confirmed."""
        model, matched = get_object_or_404(Model, pk=pk), request.GET.get("entry", "")
        if not self.has_change_permission(request, model):
            raise PermissionDenied
        title = _("Price %(model)s as %(entry)s") % {"model": model, "entry": matched} if matched else FORGET % model
        try:
            if request.method != "POST" or not self.confirmed(request):
                return self.ask(request, model.effect_of(lambda each: _change(each, matched)), title)
            _change(model, matched)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, _("%s: done.") % title)
        return redirect("admin:pricing_model_change", pk)

    @display(description=_("Candidates in the catalogue"))
    def candidates(self, model):
        """A link to choose each, after one to forget the choice that was made."""
        entry = getattr(model, "catalogue", None)
        if entry is None:
            return "–"
        page = reverse("admin:pricing_model_choose", args=[model.pk])
        links = [(page, FORGET % entry.chosen)] if entry.chosen else []
        links += [(f"{page}?{urlencode({'entry': each.matched})}", each.matched) for each in entry.listing.candidates]
        return format_html_join(mark_safe("<br>"), '<a href="{}">{}</a>', links) or "–"


def _change(model, matched):
    model.choose(matched) if matched else model.forget_choice()
