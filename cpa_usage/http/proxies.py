"""How visits come: X-Forwarded-* is believed from TRUSTED_PROXIES alone, and what fits no setting is named."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.utils.translation import gettext as _

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO")

# What browsers send, and the scripts of our pages. Proxies add headers under more names than can be listed.
_BROWSER_HEADERS = re.compile(
    "HTTP_(HOST|CONNECTION|KEEP_ALIVE|COOKIE|USER_AGENT|REFERER|ORIGIN|CACHE_CONTROL|PRAGMA|DNT|TE|PRIORITY|RANGE|"
    "UPGRADE_INSECURE_REQUESTS|PURPOSE|SAVE_DATA|X_CSRFTOKEN|X_REQUESTED_WITH|(ACCEPT|IF|SEC|HX)(_[A-Z_]+)?)"
)
_SCRAPE_HEADER = "HTTP_X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS"
_FRAMES = ("iframe", "frame", "embed", "object")
_LOOPBACK_HOST = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?", re.ASCII | re.IGNORECASE)


def trust_proxies(get_response):
    """Middleware: REMOTE_ADDR becomes the client's address; X-Forwarded-* of all others is dropped.

    Comes first, so that everything after it may trust request.is_secure() and REMOTE_ADDR. `request.received` is the
    META of before.
    """

    def middleware(request):
        request.received = request.META.copy()
        if _is_trusted(request.META.get("REMOTE_ADDR", "")):
            request.META["REMOTE_ADDR"] = client_address(request.META)
        else:
            for name in FORWARDED:
                request.META.pop(name, None)
        return get_response(request)

    return middleware


def client_address(meta) -> str:
    """The last forwarded address that is no trusted proxy; the client may have made up those before it."""
    address = meta["REMOTE_ADDR"]
    for hop in reversed(meta.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        if not _is_trusted(address) or parsed(hop) is None:
            break
        address = hop.strip()
    return address


def why_not_loopback(received: dict, scraper: bool = False) -> str:
    """Why a request may be of someone who is not at this machine, in a sentence; "" when a browser here sent it.

    A proxy at this machine has its address, and a page that rebinds its name to it has its user's browser. In doubt the
    answer is a reason; a forwarder of bare TCP leaves no trace. A `scraper` need not ask to keep the connection alive,
    as Prometheus does not; so neither leaves a proxy a trace that names no client, passes no Host on and sends no
    Connection.
    """
    peer = parsed(received.get("REMOTE_ADDR", ""))
    if peer is None or not peer.is_loopback:
        return _("This visit does not come from a loopback address such as 127.0.0.1.")
    for name in received:
        known = _BROWSER_HEADERS.fullmatch(name) or (scraper and name == _SCRAPE_HEADER)
        if name.startswith("HTTP_") and not known:
            header = name.removeprefix("HTTP_").replace("_", "-").title()
            return _("This visit may have come through a proxy: browsers send no %(header)s.") % {"header": header}
    connection = received.get("HTTP_CONNECTION", "keep-alive" if scraper else "")
    kept_alive = connection.lower() == "keep-alive"  # as browsers ask, and proxies do not
    if received["SERVER_PROTOCOL"] != "HTTP/1.1" or not received.get("RAW_URI", "/").startswith("/") or not kept_alive:
        return _("This visit may have come through a proxy: browsers do not ask in this way.")
    if not _LOOPBACK_HOST.fullmatch(received.get("HTTP_HOST", "")):
        return _("This visit is to another host than localhost or 127.0.0.1.")
    return ""


def why_foreign(request) -> str:
    """Why a write is taken for one from another origin, and what to set where it is not."""
    peer = request.received["REMOTE_ADDR"]
    sentence = _(
        "Writes from pages of another origin are refused. "
        "If this was a page of cpa-usage, set APP_PUBLIC_URL to its address in the browser."
    )
    if _is_trusted(peer) or not any(name in request.received for name in FORWARDED):
        return sentence
    return f"{sentence} {_('The proxy at %(peer)s is not believed: add it to TRUSTED_PROXIES.') % {'peer': peer}}"


def why_no_cookies(request) -> str:
    """Why the browser keeps no cookie of ours, and what to do; "" where it does, as far as its headers tell."""
    site, target = (request.headers.get(f"Sec-Fetch-{name}") for name in ("Site", "Dest"))
    if target in _FRAMES and not request.COOKIES and (site == "cross-site" or request.method == "POST"):
        return _(
            "In a frame of another site (FRAME_ANCESTORS) browsers keep no cookies: "
            "open cpa-usage in a tab of its own, or serve both below one domain."
        )
    claimed = request.received.get("HTTP_X_FORWARDED_PROTO") == "https"
    if settings.SECURE_COOKIES and site is None and not claimed:  # browsers send Sec-Fetch-Site over https
        return _(
            "APP_PUBLIC_URL begins with https and this visit came over http, where browsers keep no cookies of ours: "
            "open the https address. If you did, have the proxy send X-Forwarded-Proto and set TRUSTED_PROXIES."
        )
    return ""


def why_not_mounted(meta: dict) -> str:
    """Why links of our pages lead elsewhere behind a proxy that strips another path than ours; "" where it does not."""
    hops = meta.get("HTTP_X_FORWARDED_PREFIX", "").split(",")  # of several proxies, the first one's first
    prefix = "".join(hop.strip().rstrip("/") for hop in hops)
    if prefix in ("", settings.APP_BASE_PATH):
        return ""
    return _("The proxy serves cpa-usage at %(prefix)s, and APP_BASE_PATH is another path: set it to %(prefix)s.") % {
        "prefix": prefix
    }


def why_not_host() -> str:
    """Why the Host of a visit is refused, and what to set."""
    if settings.APP_PUBLIC_URL:
        return _(
            "cpa-usage answers to the host of APP_PUBLIC_URL alone: set it to the address in the browser, "
            "and have the proxy pass the Host on."
        )
    return _(
        "Without a login cpa-usage answers to localhost alone: set APP_PUBLIC_URL to the address in the browser, "
        "or AUTH_ENABLED=true and LOGIN_PASSWORD."
    )


def _is_trusted(text):
    address = parsed(text)
    return address is not None and any(address in network for network in settings.TRUSTED_PROXIES)


def parsed(text: str) -> IPv4Address | IPv6Address | None:
    """The IP address that a text is, None for any other text."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address  # ::ffff:127.0.0.1, from a socket for IPv4 and IPv6
