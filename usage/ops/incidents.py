"""The kinds of incidents in words, and the recent ones."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from cpa_usage.incidents import Incident

LATELY = timedelta(days=7)
SHOWN = 20


class Kind(NamedTuple):
    """What is wrong and what to do; `button`: a view's name, its arguments and a label; `id`: that of the notice."""

    title: str
    cure: str
    severity: str = "error"
    button: tuple | None = None
    id: str = ""


KINDS = {
    "key": Kind(
        _("CPA refuses the management key"),
        _("Set CPA_MANAGEMENT_KEY to the secret-key of CPA, or correct it there."),
        button=("sync", [], _("Try again now")),
    ),
    "queue": Kind(
        _("CPA does not answer"),
        _("Start CPA, or set CPA_BASE_URL and REDIS_QUEUE_ADDR to where it is."),
        id="cpa-away",
    ),
    "rival": Kind(
        _("Another program takes CPA's records"),
        _("Stop the other program."),
    ),
    "statistics": Kind(
        _("CPA drops its usage records, for usage statistics are off there"),
        _("Until they are on, nothing can be counted."),
        button=("switch", ["statistics_enabled"], _("Switch usage statistics on")),
        id="statistics-off",
    ),
    "spool": Kind(_("The spool takes no records"), _("Make room on the disk of SPOOL_DIR, or raise SPOOL_MAX_BYTES.")),
    "database": Kind(_("The database stores no records"), _("They wait in the spool until it does.")),
    "counted": Kind(
        _("CPA counts requests whose records do not come"),
        _("Look for another program that takes them, or set QUEUE_MODE to auto."),
        "warning",
    ),
    "sync": Kind(
        _("CPA's accounts and keys cannot be read"),
        _("Their names may be out of date."),
        "warning",
        ("sync", [], _("Sync now")),
    ),
}


class Over(NamedTuple):
    """An incident that has ended, shown as gaps are."""

    title: str
    sentence: str
    start: datetime
    end: datetime
    times: int = 1


def lately() -> list[Over]:
    """Incidents that ended in the last week, the latest first, 20 at most."""
    ended = Incident.objects.filter(kind__in=KINDS, until__gte=timezone.now() - LATELY).order_by("-until")[:SHOWN]
    return [Over(gettext(KINDS[each.kind].title), each.sentence, each.since, each.until) for each in ended]


def latest() -> Incident | None:
    """The incident that keeps the drain from its work now, else the last one that did."""
    drains = Incident.objects.exclude(kind="sync")
    return drains.order_by(F("until").desc(nulls_first=True), "-since").first()
