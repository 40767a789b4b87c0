"""Who may read <base>/metrics: a token with its scope, or a program on this machine."""

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission

from cpa_usage.auth.sessions import Refused
from cpa_usage.http.proxies import why_not_loopback
from cpa_usage.models import ApiToken


class Scraping(BasePermission):
    """With and without AUTH_ENABLED; a session is no token."""

    def has_permission(self, request, view):
        """Raises Refused or PermissionDenied with a sentence for all others."""
        if isinstance(request.auth, ApiToken):
            if request.auth.scope == ApiToken.Scope.READ:
                raise PermissionDenied("This token may not read /metrics: make one with the scope metrics.")
        elif why := why_not_loopback(request.received, scraper=True):
            raise Refused(f"Send an API token with the scope metrics: {why}")
        return True
