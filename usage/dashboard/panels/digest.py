"""The figures of a week's digest, each with its change against the week before."""

from typing import NamedTuple

from django.utils.translation import gettext as _

from usage.analytics.reports.digests import Digest
from usage.dashboard.currency import amount
from usage.dashboard.formats import compact, exact, percent
from usage.dashboard.panels.cards import points_changed, relative


class Figure(NamedTuple):
    """`trend` is up or down where that is good or bad, else flat."""

    name: str
    shown: str
    change: str = ""
    trend: str = ""
    detail: str = ""


def week_figures(found: Digest) -> list[Figure]:
    """Requests, answered ones, tokens, cost and what the cache saved."""
    now = found.figures
    attempts = _("%(count)s attempts") % {"count": exact(now.total)}
    output = _("%(count)s output") % {"count": compact(now.output_tokens)}
    from_cache = _("%(share)s of input from cache") % {"share": percent(now.cache_hit_rate)}
    saved = amount(found.cache_saved).text
    return [
        Figure(_("Requests"), compact(now.client_requests), *_change(found, "client_requests"), attempts),
        Figure(_("Answered"), percent(now.answered_rate), *_change(found, "answered_rate", points_changed)),
        Figure(_("Tokens"), compact(now.total_tokens), *_change(found, "total_tokens"), output),
        Figure(_("Cost"), amount(now.known_cost).text, *_change(found, "known_cost")),
        Figure(_("Cache saved"), saved, detail=from_cache if now.input_total else ""),
    ]


def _change(found, field, changed=relative):
    return changed(getattr(found.figures, field), getattr(found.before, field)) if found.before else ("", "")
