"""What a browser remembers about how pages look, and the page it returns to after a form."""

from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.utils.http import url_has_allowed_host_and_scheme

from cpa_usage.http.headers import with_cookie
from usage.time.units import DAY_S

THEMES = ("auto", "light", "dark")
YEAR_S = 365 * DAY_S


def theme_of(request) -> str:
    """light, dark, or auto for the theme of the system."""
    theme = request.COOKIES.get("theme")
    return theme if theme in THEMES else "auto"


def remember(response, request, name: str, value: str):
    """The response, with a cookie that keeps a preference for a year."""
    return with_cookie(response, request, name, value, YEAR_S)


def next_page(request) -> str:
    """The address in the parameter `next` where it is one below our base path, else the Overview."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if ours and _is_below_base(target) else f"{settings.APP_BASE_PATH}/"


def _is_below_base(address):
    """Whether a browser stays in our mount; it takes `\\` for a slash, and `%2e%2e` for the folder above."""
    path = unquote(urlsplit(address).path).replace("\\", "/")  # without its tabs
    return address.isprintable() and path.startswith(f"{settings.APP_BASE_PATH}/") and ".." not in path.split("/")
