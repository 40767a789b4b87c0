"""The `page` decorator: sign-in, filters, refusals, and pages that a browser already has."""

from functools import wraps
from hashlib import blake2b

from django.conf import settings
from django.contrib.messages import get_messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods

from cpa_usage.auth.sessions import session_of
from usage.dashboard.cookies import next_page, theme_of
from usage.dashboard.currency import currency_of
from usage.dashboard.frame import frame
from usage.dashboard.links import PERIOD, changed
from usage.dashboard.panels.columns import COOKIE as COLUMNS
from usage.dashboard.panels.ranges import period_in_form
from usage.ops.notices import Watch
from usage.query.forms import UsageFilterForm, checked
from usage.query.freshness import freshness
from usage.query.replica import one_choice
from usage.time.clock import now_us
from usage.time.periods import ALWAYS
from usage.time.units import MINUTE_US

DEFAULT_RANGE = "7d"


def page(template, cached=True, methods=("GET", "HEAD")):
    """Decorator of a view that returns its context: `view(request, filters)` becomes the whole page.

    A visitor who has not signed in is sent to the login. Bad parameters are refused on a page with the API's sentence.
    Where the page is `cached`, a browser that has its present state gets a 304. What the form of a range asks for is
    said by parameters of the period: it leads there.
    """

    def decorate(view):
        @wraps(view)
        @require_http_methods(methods)
        @signed_in
        @one_choice()
        def wrapper(request, **kwargs):
            request.watch = Watch()
            if period := period_in_form(request.GET):
                return HttpResponseRedirect(changed(request.GET, period))
            try:
                filters = _filters(request)
                tag = _etag(request, filters) if cached else ""
                if _has(request, tag):
                    return _tagged(HttpResponse(status=304), tag)
                with currency_of(filters.period):
                    context = view(request, filters, **kwargs)
                    if isinstance(context, HttpResponseBase):
                        return context
                    has_messages = len(get_messages(request)) > 0
                    reply = render(request, template, {**frame(request), "etag": tag, **context})
                    return _unkept(reply) if has_messages else _tagged(reply, tag)
            except ValidationError as refusal:
                return _refused(request, *next(iter(refusal.message_dict.items())))

        return wrapper

    return decorate


def signed_in(view):
    """Decorator: a visitor who has not signed in is sent to the login, and from there back here."""

    @wraps(view)
    def wrapper(request, **kwargs):
        is_shared = hasattr(request, "shared")  # set for the one page that a link shows
        if settings.AUTH_ENABLED and not is_shared and session_of(request) is None:
            # What a form is sent to shows nothing: from there one comes back to a page.
            here = request.get_full_path() if request.method in ("GET", "HEAD") else next_page(request)
            return redirect(reverse("login", query={"next": here}))
        return view(request, **kwargs)

    return wrapper


def _filters(request):
    """What the parameters ask for; sets `request.query` to them, with the default range of pages, and the period."""
    query = request.GET.copy()
    if not any(query.get(name, "").strip() for name in PERIOD):
        query["range"] = "all" if query.get("request_id") else DEFAULT_RANGE
    for name in [name for name in query if not any(text.strip() for text in query.getlist(name))]:
        del query[name]
    request.query = query
    filters = checked(UsageFilterForm(query)).usage_filter()
    request.period = filters.period
    return filters


def form_of(request) -> QueryDict:
    """What a page with a form was asked for, blanks too; in `request.query` its filters alone remain."""
    known = UsageFilterForm().fields
    for name in [name for name in request.query if name not in known]:
        del request.query[name]
    return request.GET


def _has(request, tag):
    """Whether the browser has the page; a message is shown once, so a page with one is always sent."""
    return tag in parse_etags(request.headers.get("If-None-Match", "")) and not len(get_messages(request))


def _refused(request, field, sentences):
    request.query, request.period = QueryDict(f"range={DEFAULT_RANGE}", mutable=True), ALWAYS
    context = {**frame(request), "field": field, "sentence": sentences[0]}
    return render(request, "usage/refused.html", context, status=400)


def _etag(request, filters):
    """A tag that changes with everything a page shows; figures "of now" move once a minute."""
    minute = now_us() // MINUTE_US
    watched = (request.watch.notices, request.watch.light)
    asked = (request.get_full_path(), get_language(), theme_of(request), request.COOKIES.get(COLUMNS))
    state = (freshness(filters), minute, watched, *asked, settings.VERSION)
    return f'W/"{blake2b(repr(state).encode(), digest_size=12).hexdigest()}"'


def _unkept(response):
    """What a message says, such as a new token, is shown this once: no browser has it later."""
    response["Cache-Control"] = "no-store"
    return response


def _tagged(response, tag):
    if tag:
        response["ETag"] = tag
        patch_vary_headers(response, ("Cookie", "Accept-Language"))
    return response
