"""What this process knows of a refused management key, for when the database is away."""

from datetime import datetime

from django.conf import settings
from django.utils.crypto import salted_hmac


class Refusal:
    """The latest refusal and until when nobody tries again; `shared` says whether the database knows as much."""

    def __init__(self):
        self.forget(shared=True)

    def note(self, reason: str, until: datetime | None, shared: bool):
        """CPA refused (or, with no `until`, never did)."""
        self.reason, self.until, self.shared = reason, until, shared

    def forget(self, shared: bool):
        """CPA accepted the key."""
        self.note("", None, shared)

    def sentence(self, now: datetime) -> str | None:
        """Why the key must not be tried at `now`."""
        return self.reason if self.until and now < self.until else None


def key_id() -> str:
    """Tells whether the refused key and address are still the ones we would use; says nothing about the key itself."""
    used = (settings.CPA_BASE_URL, settings.REDIS_QUEUE_ADDR, settings.CPA_MANAGEMENT_KEY)
    return salted_hmac("catalog.refusal", repr(used), algorithm="sha256").hexdigest()[:16]
