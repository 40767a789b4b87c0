"""A link to one view: that page with those filters, for people without a login, and nothing else."""

from copy import copy

from django.conf import settings
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import resolve, reverse
from django.views.decorators.http import require_safe
from rest_framework.exceptions import Throttled

from cpa_usage.auth.throttle import count_bad_token
from usage.dashboard.cookies import theme_of
from usage.dashboard.frame import TITLES
from usage.dashboard.panels.chips import chips_of
from usage.dashboard.panels.ranges import ranges_of
from usage.dashboard.readonly import read_only
from usage.models import SharedView

HEADERS = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store"}


@require_safe
def shared(request, token):
    """The page, or that the link does not hold; guesses are throttled as those at tokens of the API."""
    vars(request).pop("_messages", None)  # they wait for a page of their own
    link = SharedView.find(token)
    is_open = link is not None and link.state == "active"
    response = (is_open and _page_of(request, link)) or _no_page(request, link)
    del response["ETag"]
    for name, value in HEADERS.items():
        response[name] = value
    return response


def _page_of(request, link) -> HttpResponse | None:
    """What the page answers to its own address, made read-only; None where that is no page but a refusal or another
    address. The parameters of the request are not looked at."""
    inner = copy(request)
    inner.shared, inner.GET, inner.COOKIES = link, QueryDict(link.query), {"theme": theme_of(request)}
    inner.META = {**request.META, "QUERY_STRING": link.query, "HTTP_IF_NONE_MATCH": ""}
    inner.__dict__.pop("headers", None)  # made of META when they are first read
    inner.path = reverse(link.page)
    inner.path_info = inner.path.removeprefix(settings.APP_BASE_PATH)
    inner.resolver_match = resolve(inner.path_info)
    response = inner.resolver_match.func(inner, **inner.resolver_match.kwargs)
    if response.status_code != 200:
        return None
    response.content = read_only(response.content.decode(), _top(link, inner))
    return response


def _top(link, inner):
    """What is shown, in words."""
    about = {"link": link, "title": TITLES[link.page], "chips": chips_of(inner.query)}
    return render_to_string("usage/views/shared_top.html", about | {"ranges": ranges_of(inner.query, inner.period)})


def _no_page(request, link):
    context, status = {"link": link, "theme": theme_of(request)}, 404
    if link is None:
        try:
            count_bad_token(request.META.get("REMOTE_ADDR", ""))
        except Throttled as refusal:
            context["wait"], status = int(refusal.wait) + 1, 429
    response = render(request, "usage/no_link.html", context, status=status)
    if status == 429:
        response["Retry-After"] = str(context["wait"])
    return response
