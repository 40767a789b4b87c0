"""How much of a cost is known, in words."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from usage.analytics.coverage import Covered
from usage.dashboard.formats import compact, exact, percent


def notes(covered: Covered, without_tokens: int) -> list[str]:
    """What must be known to read a cost: nothing where every cost is known and exact."""
    found = [] if covered.is_whole else [_("Priced: %(parts)s") % {"parts": ", ".join(_parts(covered))}]
    if without_tokens:
        one, many = "%(count)s success without any tokens", "%(count)s successes without any tokens"
        found.append(ngettext(one, many, without_tokens) % {"count": exact(without_tokens)})
    if covered.minimum_tokens:
        tokens = {"count": compact(covered.minimum_tokens)}
        found.append(_("at least: %(count)s tokens were cached for a time that CPA does not tell") % tokens)
    return found


def short_note(covered: Covered) -> str:
    """As much of it as fits a card."""
    if covered.is_whole:
        return ""
    part = covered.requests if covered.requests.total else covered.tokens
    return _("%(share)s priced") % {"share": percent(part.share)}


def _parts(covered):
    if covered.requests.total:
        yield _("%(share)s of requests") % {"share": percent(covered.requests.share)}
    yield _("%(priced)s of %(all)s models") % {"priced": covered.models.priced, "all": covered.models.total}
    if covered.tokens.total:
        yield _("%(share)s of tokens") % {"share": percent(covered.tokens.share)}
