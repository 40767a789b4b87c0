"""What every page has: who may see it, what it is filtered by, whether the browser has it already, and its frame."""

from functools import wraps
from hashlib import blake2b
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.messages import get_messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from catalog.models import Connection
from cpa_usage.auth.sessions import session_of
from usage.dashboard.browser import theme_of
from usage.dashboard.panels.chips import chips_of
from usage.models import DrainState
from usage.query.forms import UsageFilterForm
from usage.query.freshness import freshness
from usage.time.clock import now_us

DEFAULT_RANGE = "7d"
RANGES = {
    "today": _("Today"),
    "24h": _("24 h"),
    "7d": _("7 days"),
    "30d": _("30 days"),
    "all": _("All"),
}
NAV = {
    "overview": _("Overview"),
    "analysis": _("Analysis"),
    "requests": _("Requests"),
    "accounts": _("Accounts"),
    "health": _("Health"),
    "prices": _("Prices"),
    "keys": _("Keys"),
    "system": _("System"),
}
ONE_PAGE_ONLY = ("page", "before", "by", "measure", "year", "day", "sort")  # parameters that do not go along
MINUTE_US = 60_000_000


class Unknown(ValueError):
    """A parameter whose value means nothing: its name, and a sentence."""


def page(template, kept=True):
    """Decorator of a view that returns its context: `view(request, filters)` becomes the whole page.

    A stranger is sent to the login, a filter that cannot be understood is refused on the page itself with the sentence
    the API would give, and a browser that has this state of the page gets a 304 (where the page is `kept`).
    """

    def decorate(view):
        @wraps(view)
        @signed_in
        def wrapper(request, **kwargs):
            form = filter_form(request)
            if not form.is_valid():
                return refused(request, *_first_mistake(form))
            filters = form.usage_filter()
            tag = etag(request, filters)
            # A message is shown once, whatever the state of the rest.
            if kept and tag in parse_etags(request.headers.get("If-None-Match", "")) and not len(get_messages(request)):
                return _kept(HttpResponse(status=304), tag)
            try:
                context = view(request, filters, **kwargs)
            except Unknown as unknown:
                return refused(request, *unknown.args)
            if isinstance(context, HttpResponseBase):
                return context
            response = render(request, template, {**frame(request), "etag": tag if kept else "", **context})
            return _kept(response, tag) if kept else response

        return wrapper

    return decorate


def signed_in(view):
    """Decorator: the login page for whoever is not signed in, and back here afterwards."""

    @wraps(view)
    def wrapper(request, **kwargs):
        if settings.AUTH_ENABLED and session_of(request) is None:
            return redirect(f"{reverse('login')}?{urlencode({'next': request.get_full_path()})}")
        return view(request, **kwargs)

    return wrapper


def filter_form(request) -> UsageFilterForm:
    """The form of the request's parameters; `request.query` holds them, with the range a page has by default."""
    query = request.GET.copy()
    if not any(query.get(name, "").strip() for name in ("range", "start", "end")):
        query["range"] = "all" if query.get("request_id") else DEFAULT_RANGE
    for name in [name for name in query if not any(text.strip() for text in query.getlist(name))]:
        del query[name]
    request.query = query
    return UsageFilterForm(query)


def choice(request, name: str, choices, default: str) -> str:
    """A parameter that only a page has; raises Unknown where it is none of the choices."""
    chosen = request.GET.get(name) or default
    if chosen not in choices:
        raise Unknown(
            name, gettext("Unknown %(name)s: use %(choices)s.") % {"name": name, "choices": ", ".join(choices)}
        )
    return chosen


def checked_form(form) -> dict:
    """The values of a form of page parameters; raises Unknown for the first that will not do."""
    if not form.is_valid():
        raise Unknown(*_first_mistake(form))
    return form.cleaned_data


def refused(request, field: str, sentence: str):
    """The page that says what is wrong with the address."""
    request.query = type(request.query)(f"range={DEFAULT_RANGE}", mutable=True)
    context = {**frame(request), "field": field, "sentence": sentence}
    return render(request, "usage/refused.html", context, status=400)


def etag(request, filters) -> str:
    """A tag that changes with everything a page shows; figures "of now" move once a minute."""
    told = (freshness(filters), now_us() // MINUTE_US, request.get_full_path(), get_language(), theme_of(request))
    return f'W/"{blake2b(repr((told, settings.VERSION)).encode(), digest_size=12).hexdigest()}"'


def frame(request) -> dict:
    """What the frame of a page shows: its filters, the zone, versions, and how fresh all is."""
    state, connection = DrainState.load(), Connection.objects.filter(pk=1).first()
    return {
        "query": request.query,
        "nav": _nav(request),
        "ranges": list(RANGES.items()),
        "known_range": request.query.get("range") in RANGES,
        "drill": drill(request),
        "here": request.resolver_match.url_name,
        "chips": chips_of(request.query),
        "zone": settings.TIME_ZONE,
        "theme": theme_of(request),
        "version": settings.VERSION,
        "cpa_version": connection.version if connection else "",
        "last_record": state.last_inserted_at,
        "auth_enabled": settings.AUTH_ENABLED,
        "open_to_all": settings.OPEN_TO_ALL,
        "path": request.get_full_path(),
    }


def drill(request) -> str:
    """The address of the requests behind a part of this page, its filters on; the period is for the part to add."""
    query = request.query.copy()
    for name in ("range", "start", "end", *ONE_PAGE_ONLY):
        query.pop(name, None)
    return f"{reverse('requests')}?{query.urlencode()}"


def _first_mistake(form):
    field, mistakes = next(iter(form.errors.items()))
    return field, mistakes[0]


def _nav(request):
    """The pages; filters go along."""
    here, query = request.resolver_match.url_name, request.query.copy()
    for name in ONE_PAGE_ONLY:
        query.pop(name, None)
    return [
        {"title": title, "url": f"{reverse(name)}?{query.urlencode()}", "current": name == here}
        for name, title in NAV.items()
    ]


def _kept(response, tag):
    response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ("Cookie", "Accept-Language"))
    return response
