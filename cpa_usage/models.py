"""What signing in keeps: open sessions, tokens for programs, and tries at the password; and the incidents."""

import logging
import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Self

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from cpa_usage.incidents import Incident

log = logging.getLogger(__name__)

TOKEN_PREFIX = "cpau_"
INCIDENTS_KEPT = timedelta(days=30)


class Session(models.Model):
    """A session that was opened with the password, until it is ended. Its token holds as long as this row is there."""

    jti = models.CharField(max_length=64, unique=True, help_text="The token's own id.")
    password_id = models.CharField(max_length=16, help_text="Changes with LOGIN_PASSWORD, which ends every session.")
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    address = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ["-opened_at", "-pk"]

    def __str__(self):
        return f"session of {self.address} since {self.opened_at:%Y-%m-%d %H:%M} UTC"

    @classmethod
    def current(cls):
        """Sessions that are open now: neither expired nor ended, and opened with the present password."""
        return cls.objects.filter(expires_at__gt=timezone.now(), password_id=password_id())


def password_id() -> str:
    """A short digest of LOGIN_PASSWORD."""
    return salted_hmac("cpa_usage.session", settings.LOGIN_PASSWORD, algorithm="sha256").hexdigest()[:16]


class Secret(models.Model):
    """What opens something for those who have it: shown once when it is made, and known by its hash from then on."""

    PREFIX = ""

    digest = models.CharField(max_length=64, unique=True, editable=False, help_text="SHA-256 of the token.")
    shown = models.CharField(max_length=16, editable=False, help_text="How the token begins.")
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="From when it is refused; empty: never.")
    last_used_at = models.DateTimeField(null=True, editable=False, help_text="To the minute.")
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    def issue(self) -> str:
        """Save the row with a fresh secret; returns the token, which cannot be shown again."""
        token = self.PREFIX + secrets.token_urlsafe(32)
        self.digest, self.shown = sha256(token.encode()).hexdigest(), f"{token[: len(self.PREFIX) + 4]}…"
        self.save()
        log.info("A secret was made: %s %s (%s).", self._meta.verbose_name, self.shown, self)
        return token

    @classmethod
    def find(cls, token: str) -> Self | None:
        """The row of a token, also if it is revoked or expired. Notes its use, at most once a minute."""
        found = cls.objects.filter(digest=sha256(token.encode()).hexdigest()).first()
        if found and found.state == "active":
            found._note_use(timezone.now())
        return found

    @property
    def state(self) -> str:
        """active, expired or revoked."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= timezone.now() else "active"

    def revoke(self):
        """Refuse the token from now on; its row stays in the list."""
        if type(self).objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=timezone.now()):
            log.info("Revoked: %s %s (%s).", self._meta.verbose_name, self.shown, self)

    def _note_use(self, now):
        if self.last_used_at is None or now - self.last_used_at >= timedelta(minutes=1):
            type(self).objects.filter(pk=self.pk).update(last_used_at=now)


class ApiToken(Secret):
    """A token for programs."""

    PREFIX = TOKEN_PREFIX

    class Scope(models.TextChoices):
        READ = "read", _("read the API")
        METRICS = "metrics", _("read /metrics alone")
        ALL = "all", _("read and write the API, and read /metrics")

    name = models.CharField(max_length=100, help_text="What it is for.")
    scope = models.CharField(max_length=8, choices=Scope, default=Scope.READ)

    class Meta:
        ordering = ["-made_at", "-pk"]
        verbose_name = "API token"

    def __str__(self):
        return self.name

    def why_not(self, method: str) -> str:
        """Why its scope does not allow this HTTP method of the API, in a sentence; "" where it does."""
        if self.scope == self.Scope.METRICS:
            return "This token may only read /metrics."
        reads = method in ("GET", "HEAD", "OPTIONS")
        return "" if reads or self.scope == self.Scope.ALL else "This token may only read."


class LoginTry(models.Model):
    """How often the password was tried in one minute, from one address or ("") from everywhere."""

    address = models.CharField(max_length=64)
    minute = models.BigIntegerField(help_text="Minutes since the epoch.")
    tries = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["address", "minute"], name="login_tries_of_a_minute")]

    def __str__(self):
        return f"{self.tries} tries of {self.address or 'all'}"

    @classmethod
    def count(cls, address: str, minute: int) -> int:
        """Count one more try. Returns the number of tries with it, exact when several processes count at once."""
        try:
            with transaction.atomic():  # keeps the row from others between writing and reading it
                mine = cls.objects.filter(address=address, minute=minute)
                if not mine.update(tries=models.F("tries") + 1):
                    return cls.objects.create(address=address, minute=minute, tries=1).tries
                return mine.values_list("tries", flat=True).get()
        except IntegrityError:  # another process began the minute just now
            return cls.count(address, minute)


class KnownAddress(models.Model):
    """An address from which the right password came lately: tries from other addresses do not lock it out."""

    FOR = timedelta(days=30)

    address = models.CharField(max_length=64, unique=True)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "known addresses"

    def __str__(self):
        return self.address


def forget_old():
    """Delete expired sessions, counts of past minutes, old incidents, and addresses without a sign-in of late."""
    now = timezone.now()
    Session.objects.filter(expires_at__lte=now).delete()
    LoginTry.objects.filter(minute__lt=int(now.timestamp() // 60) - 1).delete()
    KnownAddress.objects.filter(seen_at__lt=now - KnownAddress.FOR).delete()
    Incident.objects.filter(until__lt=now - INCIDENTS_KEPT).delete()
