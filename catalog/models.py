"""What CPA says about itself: its accounts (auth files), its upstream keys, and how it last answered."""

from datetime import timedelta
from typing import NamedTuple

from django.db import models
from django.db.models.functions import RowNumber
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from catalog.keymemory import KeyMemory

# Values of `state`, for translation: pages do not spell CPA's own words.
CPA_STATES = (_("ready"), _("ok"), _("pending"), _("refreshing"), _("error"), _("unknown"))
STATES = (_("absent"), _("disabled"), _("unavailable"), _("active"), *CPA_STATES)


class Connection(KeyMemory):
    """How CPA last answered, in one row that all processes share."""

    version = models.CharField(max_length=64, blank=True)
    commit = models.CharField(max_length=64, blank=True)
    build_date = models.CharField(max_length=64, blank=True)
    statistics_enabled = models.BooleanField(null=True, help_text="Whether CPA writes usage records.")
    request_log_enabled = models.BooleanField(null=True, help_text="Whether CPA keeps a log of every request.")
    models_offered = models.JSONField(default=list, help_text="Names of CPA's /v1/models.")
    last_sync_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True, help_text="Of the latest sync; blank when it went well.")
    last_error_at = models.DateTimeField(null=True)
    sync_until = models.DateTimeField(null=True, help_text="A sync is running and ends before this.")
    retention_seconds = models.IntegerField(null=True, help_text="For how long CPA keeps a record that is not taken.")
    not_offered = models.JSONField(default=list, help_text="What this version of CPA does not have, by name.")
    revision = models.BigIntegerField(default=0, help_text="Counts the changes of this app's rows.")

    def __str__(self):
        return f"CPA {self.version}".strip()

    @classmethod
    def load(cls):
        """The row, created when there is none."""
        return cls.objects.get_or_create(pk=1)[0]

    @classmethod
    def current_revision(cls) -> int:
        """The count of changes; 0 before the first."""
        return cls.objects.filter(pk=1).values_list("revision", flat=True).first() or 0

    @classmethod
    def change(cls, **fields):
        """Set these fields and count one more change."""
        cls.load()
        cls.objects.filter(pk=1).update(revision=models.F("revision") + 1, **fields)

    @classmethod
    def take_sync(cls, seconds: float):
        """Take the lease to sync for so many seconds: the row, or None while another process has it."""
        cls.load()
        now = timezone.now()
        free = models.Q(sync_until=None) | models.Q(sync_until__lte=now)
        taken = cls.objects.filter(free, pk=1).update(sync_until=now + timedelta(seconds=seconds))
        return cls.load() if taken else None

    def end_sync(self, **fields) -> bool:
        """Set these fields and end the lease; False, with nothing set, when it has passed to another process."""
        return bool(Connection.objects.filter(pk=1, sync_until=self.sync_until).update(sync_until=None, **fields))


class Listed(models.Model):
    """A row of one of CPA's lists. Kept when CPA no longer lists it: old records still point at it."""

    auth_index = models.CharField(max_length=64, unique=True)
    disabled = models.BooleanField(default=False)
    absent_since = models.DateTimeField(null=True, help_text="Since when CPA no longer lists it.")

    class Meta:
        abstract = True

    @property
    def state(self) -> str:
        """absent, disabled, unavailable, or CPA's own word; active where CPA has none."""
        if self.absent_since:
            return "absent"
        return "disabled" if self.disabled else "unavailable" if self.unavailable else self.status or "active"


class AuthFile(Listed):
    """An account CPA signs in to."""

    name = models.CharField(max_length=255, blank=True)
    email = models.CharField(max_length=255, blank=True)
    type = models.CharField(max_length=64, blank=True)
    provider = models.CharField(max_length=64, blank=True)
    label = models.CharField(max_length=255, blank=True)
    status = models.CharField(max_length=64, blank=True, help_text="CPA's word.")
    status_message = models.CharField(max_length=500, blank=True)
    source = models.CharField(max_length=64, blank=True)
    plan = models.CharField(max_length=64, blank=True)
    unavailable = models.BooleanField(default=False)
    runtime_only = models.BooleanField(default=False)

    class Meta:
        ordering = ["name", "auth_index"]

    def __str__(self):
        return self.email or self.label or self.name or self.auth_index


class AccountState(models.Model):
    """A state that CPA gave an account, from a moment on: of each account the newest ones."""

    KEPT = 50  # of an account: one that is unavailable again and again must not fill the table

    auth_index = models.CharField(max_length=64, db_index=True)
    state = models.CharField(max_length=64)
    message = models.CharField(max_length=500, blank=True)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-since", "-pk"]

    def __str__(self):
        return f"{self.auth_index} {self.state} since {self.since:%Y-%m-%d %H:%M} UTC"

    @classmethod
    def note(cls, states: dict[str, tuple[str, str]]):
        """Note that accounts are in another state from now on: (state, message) by auth_index."""
        cls.objects.bulk_create(cls(auth_index=index, state=new, message=said) for index, (new, said) in states.items())
        place = models.Window(RowNumber(), partition_by="auth_index", order_by=["-since", "-pk"])
        old = cls.objects.filter(auth_index__in=states).annotate(place=place).filter(place__gt=cls.KEPT)
        cls.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()


class Provider(Listed):
    """An upstream key in one of CPA's provider lists; the key itself is masked."""

    match_kind = "auth_index"  # in the API: what joins a row to records
    unavailable, status = False, ""  # CPA says neither of a key
    provider_type = models.CharField(max_length=64)
    name = models.CharField(max_length=255, blank=True, help_text="Of an OpenAI-compatible vendor.")
    prefix = models.CharField(max_length=255, blank=True)
    base_url = models.CharField(max_length=500, blank=True)
    key_fingerprint = models.CharField(max_length=64, blank=True, db_index=True)
    key_mask = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["provider_type", "name", "auth_index"]

    def __str__(self):
        return f"{self.display_name} {self.key_mask}".strip()

    @property
    def display_name(self) -> str:
        """The vendor's name, else the prefix, else the type."""
        return self.name or self.prefix or self.provider_type

    @property
    def provider(self) -> str:
        """The provider as records name it."""
        return f"openai-compatible-{self.name.lower()}" if self.name else self.provider_type


class Account(NamedTuple):
    """The auth file or upstream key that an auth_index stands for; `source` as records name it."""

    name: str
    email: str
    provider: str
    status: str
    display: str
    source: str = ""
    plan: str = ""
    message: str = ""


def accounts(indexes=None) -> dict[str, Account]:
    """What is known about these auth_index values, or about all, in two queries; unknown ones are left out."""
    known = models.Q() if indexes is None else models.Q(auth_index__in=set(indexes) - {""})
    keys, files = Provider.objects.filter(known), AuthFile.objects.filter(known)
    found = {p.auth_index: Account(p.display_name, "", p.provider, p.state, str(p), p.key_fingerprint) for p in keys}
    return found | {
        f.auth_index: Account(f.name, f.email, f.provider, f.state, str(f), f.email, f.plan, f.status_message)
        for f in files
    }
