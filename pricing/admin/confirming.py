"""The page that shows the effect of a change of prices on costs, month by month, before it is saved."""

from django.db import transaction
from django.template.response import TemplateResponse

from pricing.models import DryRun
from pricing.rates import PICO

CONFIRMED = "_confirmed"
HEADERS = ["Month", "Cost before", "Cost after", "Change", "Unpriced tokens before", "after"]


class Confirmed:
    """For an admin whose forms are sent twice: the first time the effect is shown, the second time they are saved."""

    def ask(self, request, effect, title, skipped=()):
        """The page with the effect, and the same form to confirm."""
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "table": {"headers": HEADERS, "rows": _rows(effect)},
            "effect": effect,
            "skipped": skipped,
            "sent": sent(request, "csrfmiddlewaretoken"),
            "confirmed": CONFIRMED,
        }
        return TemplateResponse(request, "admin/pricing/confirm.html", context)

    def confirmed(self, request) -> bool:
        """Whether the form was sent from the page with the effect."""
        return CONFIRMED in request.POST


def sent(request, *but):
    """(name, value) of every field of the form that was sent, to send it again."""
    return [(name, value) for name, values in request.POST.lists() if name not in but for value in values]


def dry_run(view):
    """(the prices there would be if `view()` saved, None), or (None, its reply) when the form is invalid."""
    try:
        with transaction.atomic():
            return None, view()
    except DryRun as done:
        return done.book, None


def _rows(effect):
    rows = [_row(month, month.month) for month in effect.months if month.changes]
    return [*rows, _row(effect.total, "Total")] if len(rows) > 1 else rows


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
