"""What a browser remembers about how pages look, and where it goes on."""

from django.conf import settings
from django.utils.http import url_has_allowed_host_and_scheme

THEMES = ("auto", "light", "dark")
YEAR = 365 * 86_400


def theme_of(request) -> str:
    """light, dark, or auto for what the system likes."""
    theme = request.COOKIES.get("theme")
    return theme if theme in THEMES else "auto"


def remember(response, request, name: str, value: str):
    """The response, with a cookie of this mount that holds a preference for a year."""
    secure = settings.SECURE_COOKIES or request.is_secure()
    response.set_cookie(name, value, YEAR, path=settings.COOKIE_PATH, secure=secure, httponly=True, samesite="Lax")
    return response


def go_on(request) -> str:
    """The address of ours that `next` names, else the Overview."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if ours else f"{settings.APP_BASE_PATH}/"
