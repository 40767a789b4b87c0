"""The finding about the price catalogue: which one it is, and whether newer ones still come."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from pricing.models import PublishedCatalogue
from pricing.tasks import catalogue_version
from usage.ops.doctor.findings import Finding, verdict

STALE_AFTER = timedelta(days=3)  # it is fetched every night


def catalogue():
    """Whether the price catalogue is as new as its publisher's, and why it is not."""
    kept, name = PublishedCatalogue.load(), f"Prices are looked up in the catalogue {catalogue_version()}"
    if not settings.PRICES_URL:
        yield Finding("Prices", True, f"{name} of the installed package; PRICES_URL is empty, so no newer is fetched.")
        return
    if kept.checked_at is None:
        heard = f"{name} of the installed package: no newer one was fetched yet."
    else:
        heard = f"{name}; its publisher was last heard at {kept.checked_at:%Y-%m-%d %H:%M} UTC."
    stale = kept.error_at and (kept.checked_at is None or timezone.now() - kept.checked_at > STALE_AFTER)
    cure = "Run manage.py updateprices, or set PRICES_URL."
    yield verdict("Prices", f"{heard} {kept.error} {cure}" if stale else "", f"{heard} {kept.error}".strip())
