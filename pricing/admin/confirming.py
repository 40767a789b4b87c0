"""The page between a change of prices and its saving: what it does to costs, month by month."""

from django.db import transaction
from django.template.response import TemplateResponse

from pricing.models import Rehearsed

CONFIRMED = "_confirmed"
PICO = 10**12


class Confirmed:
    """For an admin whose changes are shown before they are made: a form is sent twice, the second time to be saved."""

    def ask(self, request, effect, title, skipped=()):
        """Show what would change; the same form comes back confirmed."""
        sent = [(name, value) for name, values in request.POST.lists() for value in values]
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "table": _table(effect),
            "effect": effect,
            "skipped": skipped,
            "sent": [(name, value) for name, value in sent if name != "csrfmiddlewaretoken"],
            "confirmed": CONFIRMED,
        }
        return TemplateResponse(request, "admin/pricing/confirm.html", context)

    def confirmed(self, request) -> bool:
        """Whether the effect was seen."""
        return CONFIRMED in request.POST


def rehearsed(view):
    """The prices there would be if `view()` saved, and None; or None and its reply when it refused."""
    try:
        with transaction.atomic():
            return None, view()
    except Rehearsed as rehearsal:
        return rehearsal.book, None


def _table(effect):
    rows = [_row(month, month.month) for month in effect.months if month.changes]
    if len(rows) > 1:
        rows.append(_row(effect.total, "Total"))
    heads = ["Month", "Cost before", "Cost after", "Change", "Unpriced tokens before", "after"]
    return {"headers": heads, "rows": rows}


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
    """Pico-USD for a person: cents, or more digits where there is less than a dollar."""
    return f"${pico / PICO:,.2f}" if pico >= PICO or not pico else f"${pico / PICO:.6f}"
