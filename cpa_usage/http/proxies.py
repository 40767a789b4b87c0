"""The client's address behind proxies: X-Forwarded-* is believed when it comes from TRUSTED_PROXIES only."""

from ipaddress import ip_address

from django.conf import settings

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO")


def trust_proxies(get_response):
    """Middleware: REMOTE_ADDR becomes the client's address; X-Forwarded-* of all others is dropped.

    Comes first, so that everything after it may trust request.is_secure() and REMOTE_ADDR.
    """

    def middleware(request):
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
        if not _is_trusted(address) or _parsed(hop) is None:
            break
        address = hop.strip()
    return address


def _is_trusted(text):
    address = _parsed(text)
    return address is not None and any(address in network for network in settings.TRUSTED_PROXIES)


def _parsed(text):
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address  # ::ffff:127.0.0.1, from a socket for IPv4 and IPv6
