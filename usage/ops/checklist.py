"""The steps of an installation up to the first record, and what to do about those that are not done."""

from typing import NamedTuple

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from catalog.reported import reported
from usage.models import Series
from usage.ops.notices import Action, Watch


class Step(NamedTuple):
    """`done` is None while it cannot be known, and False while a notice says that it is wrong."""

    title: str
    done: bool | None
    hint: str = ""
    action: Action | None = None


def checklist(watched: Watch) -> list[Step]:
    """The steps in the order they can be taken; none once a record was stored."""
    if Series.objects.exists():
        return []
    refused, cpa = watched.first("key"), watched.connection
    away = None if refused else watched.first("cpa-away", "sync")
    asked = _("Asked at %(address)s.") % {"address": settings.CPA_BASE_URL}
    again = Action(reverse("sync"), _("Try again now"))
    off = _("While they are off, CPA drops its records and nothing can be counted.")
    send = _("Send a request through CPA: it shows here within seconds.")
    return [
        _step(_("CPA is reachable"), away, cpa.last_sync_at or refused, asked, again),
        _step(_("CPA accepts the management key"), refused, cpa.last_sync_at),
        _step(_("CPA writes usage statistics"), watched.first("statistics-off"), cpa.statistics_enabled, off),
        _step(_("Collector"), watched.first("drain-silent"), True),
        Step(_("The first record is stored"), None, send),
    ]


def _step(title, notice, done, hint="", action=None):
    if notice:
        hint = " ".join(filter(None, (notice.sentence, reported(notice.detail), notice.cure)))
        return Step(title, False, hint, notice.action or action)
    return Step(title, True) if done else Step(title, None, hint, action)
