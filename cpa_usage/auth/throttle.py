"""How often the password may be tried: per address and by all, counted in the database for every process and restart.

A stranger with many addresses could use up the limit of all and lock the owner out; so an address from which the right
password came in the last month has a limit of its own alone. django-axes cannot do that: it locks an address, a name or
a pair of them, and here all sign in under one name. Neither can DRF's throttles, which limit views by address before a
password is looked at, know none that succeeded, and count in a cache, here one in each process, that a restart empties.
"""

import time
from ipaddress import ip_network

from django.utils import timezone
from rest_framework.exceptions import Throttled

from cpa_usage.http.proxies import parsed
from cpa_usage.models import KnownAddress, LoginTry

TRIES_PER_ADDRESS = 10  # a minute
TRIES_OF_ALL = 100
EVERYWHERE = ""


def count_try(address: str):
    """Count a try before looking at it: tries at one time cannot slip past. Raises Throttled beyond the limits."""
    place = place_of(address)
    _count(place, TRIES_PER_ADDRESS)
    if not _is_known(place):
        _count(EVERYWHERE, TRIES_OF_ALL)


def count_bad_token(address: str):
    """Count a token that is not known here; tries at the password are counted apart, so that it locks out no person."""
    _count(f"token {place_of(address)}"[:64], TRIES_PER_ADDRESS)


def forgive(address: str):
    """The password was right: forget what was tried from there, and know the place for a while."""
    place = place_of(address)
    LoginTry.objects.filter(address=place).delete()
    KnownAddress.objects.update_or_create(address=place, defaults={"seen_at": timezone.now()})


def place_of(address: str) -> str:
    """What tries are counted by: an IPv4 address, or the /64 that one IPv6 customer has."""
    found = parsed(address)
    if found is None:
        return address[:64] or "unknown"
    return str(found) if found.version == 4 else str(ip_network((found, 64), strict=False))


def _count(place, limit):
    """Reads first: a place that is over the limit already costs no write."""
    minute, second = divmod(int(time.time()), 60)
    is_over = LoginTry.objects.filter(address=place, minute=minute, tries__gt=limit).exists()
    if is_over or LoginTry.count(place, minute) > limit:
        raise Throttled(wait=60 - second)


def _is_known(place):
    return KnownAddress.objects.filter(address=place, seen_at__gte=timezone.now() - KnownAddress.FOR).exists()
