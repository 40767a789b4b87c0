"""What the lists of prices share, and the page that shows the effect of a change on costs before it is saved."""

from django.db import transaction
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from cpa_usage.keys import mask
from pricing.models.scopes import value_in
from pricing.rates import PICO

CONFIRMED = "_confirmed"
HEADERS = [_("Month"), _("Cost before"), _("Cost after"), _("Change"), _("Unpriced tokens before"), _("after")]


class Unconfirmed(Exception):
    """Raised instead of saving a form that is sent for the first time; holds a title and what computes the effect."""


class PriceAdmin(ModelAdmin):
    """Rows whose changes count as changes of prices.

    `value_field` names the form's field for a provider, an account or a client key: a key that was typed there is
    replaced by its fingerprint before any page could show it again.
    """

    show_full_result_count = False
    value_field = "scope_value"

    def changeform_view(self, request, *args, **kwargs):
        """The form with its value as records name it; a mask stays as it is, to be refused."""
        text = request.POST.get(self.value_field, "")
        if text and mask(text) != text:
            request.POST = request.POST.copy()
            request.POST[self.value_field] = value_in(request.POST.get("scope", ""), text)
        return super().changeform_view(request, *args, **kwargs)

    def delete_queryset(self, request, queryset):
        """One by one: a QuerySet's own deletion counts nothing."""
        with transaction.atomic():
            for row in queryset:
                self.delete_model(request, row)


class Confirmed:
    """For an admin whose forms are sent twice: the first time the effect is shown, the second time they are saved."""

    def changeform_view(self, request, *args, **kwargs):
        """A valid form is first answered with its effect; confirmed, it is saved."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Unconfirmed as unsaved:
            title, effect = unsaved.args
            return self.ask(request, effect(), title)

    def ask(self, request, effect, title, skipped=()):
        """The page with the effect, and the same form to confirm."""
        table = {"headers": HEADERS, "rows": _rows(effect)}
        context = {"table": table, "effect": effect, "skipped": skipped, "confirmed": CONFIRMED}
        return self.page(request, "confirm.html", title, context)

    def page(self, request, template, title, context, but=()):
        """A page with a form that sends again every field of the one that was sent, `but` these."""
        but = ("csrfmiddlewaretoken", *but)
        sent = [(name, value) for name, values in request.POST.lists() if name not in but for value in values]
        common = {**self.admin_site.each_context(request), "title": title, "opts": self.opts, "sent": sent}
        return TemplateResponse(request, f"admin/pricing/{template}", common | context)

    def confirmed(self, request) -> bool:
        """Whether the form was sent from the page with the effect."""
        return CONFIRMED in request.POST


def _rows(effect):
    rows = [_row(month, month.month) for month in effect.months if month.changes]
    return [*rows, _row(effect.total, _("Total"))] if len(rows) > 1 else rows


def _row(month, name):
    change = month.cost_after - month.cost_before
    return [
        name,
        usd(month.cost_before),
        usd(month.cost_after),
        ("+" if change >= 0 else "−") + usd(abs(change)),
        f"{month.unpriced_before:,}",
        f"{month.unpriced_after:,}",
    ]


def usd(pico: int) -> str:
    """Pico-USD as text: cents, or more digits where there is less than a dollar."""
    return f"${pico / PICO:,.2f}" if pico >= PICO or not pico else f"${pico / PICO:.6f}"
