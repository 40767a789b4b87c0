"""What all processes know of the management key: failed logins are counted, and the key rests after each of them.

CPA counts the failed logins of an address, over RESP and HTTP alike. Five of them ban the address for 30 minutes, the
right key included. A good login, the end of a ban and a restart of CPA set its counter to 0; else it is forgotten 2 to
3 hours after the latest failure. We never bring it above MOST.
"""

import logging
import re
import time
from datetime import timedelta

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from catalog.problems import SET_KEY, Refused
from cpa_usage.incidents import Incident

log = logging.getLogger(__name__)

MOST = 3  # the second is kept for what a person does, the last for another key
FIRST_REST = timedelta(minutes=10)
FORGOTTEN = timedelta(hours=3)
BAN = re.compile(r"try again in (?:(\d{1,2})h)?(?:(\d{1,2})m)?(\d{1,2})s", re.IGNORECASE)
AFTER_BAN = timedelta(seconds=5)
NO_LOGIN = "remote management"  # is off for our address: CPA counts no failure
BEING_TRIED = "Another process tries the management key for the first time: wait for what CPA says."
WAIT_SECONDS = 0.1
BY_A_PERSON = "Before that, a sync, manage.py doctor or a restart of the drain may try it once."
BY_ANOTHER = "Another key, once it is set, is tried at once; a restart of CPA ends this as well."
BY_NO_ONE = "It was refused three times, and two more would ban our address; a restart of CPA ends this as well."
BY_RESTART = "A restart of CPA ends the ban as well."


class KeyMemory(models.Model):
    """The part of the row of Connection that is about the management key."""

    refused_until = models.DateTimeField(null=True, help_text="The management key is not tried before this.")
    refused_reason = models.CharField(max_length=500, blank=True)
    refused_key = models.CharField(max_length=16, blank=True, help_text="Changes with the key and the address.")
    refused_count = models.IntegerField(default=0, help_text="Logins that failed since the last that did not.")
    refused_at = models.DateTimeField(null=True, help_text="When a login failed last.")

    class Meta:
        abstract = True

    leased_until = None  # not stored: until when this process alone may try the key

    @classmethod
    def refused(cls) -> str | None:
        """The reason why no process may try the management key by itself now, or None."""
        row = cls.objects.filter(pk=1).first()
        return row.refusal() if row else None

    @classmethod
    def claim(cls, by_person: bool = False, wait: float = 0):
        """The right to log in, as a row to release() after a login without a verdict. Raises catalog's Refused.

        Where it is not known that CPA takes the key, one process tries it at a time; others `wait` so many seconds.
        """
        ends = time.monotonic() + wait
        while True:
            row = cls.load()
            if row.accepts:
                return row
            if sentence := row.refusal(by_person):
                raise Refused(sentence)
            being_tried = row._rests and not row.refused_reason
            if not being_tried and row._lease():
                return row
            if time.monotonic() >= ends:
                raise Refused(BEING_TRIED)
            time.sleep(WAIT_SECONDS)

    def release(self):
        """The login ended without a verdict: another process may try the key."""
        if self.leased_until:
            leased = type(self).objects.filter(pk=1, refused_until=self.leased_until, refused_reason="")
            leased.update(refused_until=self.refused_until, refused_reason=self.refused_reason)
            self.leased_until = None

    @classmethod
    def refuse(cls, reason: str) -> str:
        """CPA refused a login: the key rests in all processes. Returns the sentence for people."""
        cls.load()
        with transaction.atomic():
            row = cls.objects.select_for_update().get(pk=1)
            row._note(reason if "set " in reason.lower() else f"{reason.rstrip('. ')}. {SET_KEY}")
            row.save(update_fields=[field.name for field in KeyMemory._meta.local_fields])
            Incident.begin("key", row.refused_reason)
        log.error("%s", row.refused_reason)
        return row.refused_reason

    @classmethod
    def accepted(cls):
        """CPA took the management key: any refusal is over."""
        if not cls.load().accepts:
            cls._forget(refused_key=key_id())

    @classmethod
    def restarted(cls):
        """CPA was not running, so that it has forgotten all failed logins."""
        cls._forget(refused_key="")

    @property
    def accepts(self) -> bool:
        """Whether CPA took this key at the latest login of any process."""
        return self.refused_key == key_id() and not self.refused_count and self.refused_until is None

    def refusal(self, by_person: bool = False) -> str | None:
        """The reason why the key may not be tried, or None. What a `by_person` asked for may, and another key, while
        there is room: the last try is another key's."""
        changed = self.refused_key != key_id()
        may_try = self.refused_count < (MOST if changed else MOST - 1 if by_person else 0)
        return self.refused_reason or None if self._rests and not may_try else None

    @property
    def _rests(self) -> bool:
        now = timezone.now()
        clock_put_back = self.refused_at is not None and self.refused_at > now + FIRST_REST
        return self.refused_until is not None and self.refused_until > now and not clock_put_back

    @property
    def _failures(self) -> int:
        """CPA's counter, as far as it was us."""
        known = self.refused_at is not None and self.refused_at > timezone.now() - FORGOTTEN
        return self.refused_count if known else 0

    def _lease(self) -> bool:
        """Take the right to try for as long as a login may take; False when another process was faster."""
        until = timezone.now() + settings.CPA_TIMEOUT
        unchanged = {name: getattr(self, name) for name in ("refused_until", "refused_reason", "refused_count")}
        leased = {"refused_until": until, "refused_reason": "", "refused_count": self._failures}
        self.leased_until = until
        return bool(type(self).objects.filter(pk=1, **unchanged).update(**leased))

    def _note(self, reason):
        """A failed login, for `reason`."""
        count, rest = rest_after(reason, self._failures)
        self.refused_count, self.refused_key, self.refused_at = count, key_id(), timezone.now()
        self.refused_until = self.refused_at + rest
        again = f"It is tried again at {timezone.localtime(self.refused_until):%H:%M:%S %z}."
        sooner = BY_RESTART if BAN.search(reason) else (BY_A_PERSON, BY_ANOTHER, BY_NO_ONE)[min(count, MOST) - 1]
        self.refused_reason = f"{reason[:300]} {again} {sooner}"

    @classmethod
    def _forget(cls, refused_key):
        cls.load()
        nothing = {"refused_until": None, "refused_reason": "", "refused_count": 0, "refused_at": None}
        cls.objects.filter(pk=1).update(**nothing, refused_key=refused_key)
        Incident.end("key")


def rest_after(reason: str, failures: int) -> tuple[int, timedelta]:
    """CPA's counter after one more login that failed for `reason`, and for how long the key rests."""
    if ban := BAN.search(reason):
        hours, minutes, seconds = (int(part or 0) for part in ban.groups())
        return 0, timedelta(hours=hours, minutes=minutes, seconds=seconds) + AFTER_BAN
    count = failures if NO_LOGIN in reason.lower() else failures + 1
    return count, FIRST_REST if count < MOST - 1 else FORGOTTEN


def key_id() -> str:
    """A hash of the management key and the addresses it is used at: a refusal holds for these alone."""
    used = (settings.CPA_BASE_URL, settings.REDIS_QUEUE_ADDR, settings.CPA_MANAGEMENT_KEY)
    return salted_hmac("catalog.refusal", repr(used), algorithm="sha256").hexdigest()[:16]
