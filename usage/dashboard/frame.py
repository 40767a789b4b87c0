"""The frame of a page: navigation, filters, the time zone, versions, and how recent the records are."""

from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from usage.analytics.answers import instant
from usage.dashboard.cookies import theme_of
from usage.dashboard.currency import current
from usage.dashboard.links import PERIOD, page_address
from usage.dashboard.panels.chips import chips_of
from usage.dashboard.panels.ranges import ranges_of
from usage.time.periods import ALWAYS, Period

NAV = {
    "overview": _("Overview"),
    "analysis": _("Analysis"),
    "requests": _("Requests"),
    "accounts": _("Accounts"),
    "health": _("Health"),
    "prices": _("Prices"),
    "keys": _("Keys"),
    "digest": _("Digest"),
    "system": _("System"),
}
TITLES = NAV | {"failures": _("Failures"), "statement": _("Statement")}  # of pages that views lead to
KEYS = "oarchpkds"  # `g` and the key of a page open it


def frame(request) -> dict:
    """The context of base.html, for a request to a page."""
    return {
        "watch": request.watch,
        "query": request.query,
        "nav": _nav(request),
        "ranges": ranges_of(request.query, request.period),
        "drill": drill(request),
        "here": request.resolver_match.url_name,
        "chips": chips_of(request.query),
        "zone": settings.TIME_ZONE,
        "currency": current(),
        "theme": theme_of(request),
        "version": settings.VERSION,
        "cpa_version": request.watch.connection.version,
        "last_record": request.watch.state.last_inserted_at,
        "auth_enabled": settings.AUTH_ENABLED,
        "open_to_all": settings.OPEN_TO_ALL,
        "path": request.get_full_path(),
    }


def drill(request, period: Period = ALWAYS) -> str:
    """The address of the requests behind a part of this page, its filters on, in a period.

    The part itself narrows it to a shorter one.
    """
    if hasattr(request, "shared"):
        return ""
    edges = {"start": instant(period.start), "end": instant(period.end)}
    given = urlencode({name: edge for name, edge in edges.items() if edge})
    return page_address("requests", request.query, *PERIOD) + (given and f"&{given}")


def _nav(request):
    """The pages, with the filters of this one; one is current at the pages below it too."""
    here = request.resolver_match.url_name
    above = {name for name in NAV if name != "overview" and request.path.startswith(reverse(name))} or {here}
    return [
        {"title": title, "url": page_address(name, request.query), "current": name in above, "key": key}
        for (name, title), key in zip(NAV.items(), KEYS, strict=True)
    ]
