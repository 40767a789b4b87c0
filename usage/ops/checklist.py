"""The steps of an installation up to the first record, and what to do about those that are not done."""

from typing import NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _

from catalog.models import Connection
from usage.models import DrainState, Series
from usage.ops.status import is_alive


class Step(NamedTuple):
    """`done` is None while it cannot be known; `action` names the button that does it."""

    title: str
    done: bool | None
    hint: str
    action: str = ""


def checklist() -> list[Step]:
    """The steps in the order they can be taken; none once a record was stored."""
    if Series.objects.exists():
        return []
    connection = Connection.objects.filter(pk=1).first() or Connection()
    refused = Connection.refused()
    return [
        _reachable(connection, refused),
        _accepted(connection, refused),
        _statistics(connection),
        _drain(),
        _first_record(),
    ]


def _reachable(connection, refused):
    done = bool(connection.last_sync_at) or bool(refused)
    hint = connection.last_error or _("Asked at %(address)s.") % {"address": settings.CPA_BASE_URL}
    return Step(_("CPA is reachable"), done or None, "" if done else hint, "sync")


def _accepted(connection, refused):
    done = False if refused else bool(connection.last_sync_at) or None
    return Step(_("CPA accepts the management key"), done, refused or "")


def _statistics(connection):
    hint = _("While they are off, CPA drops its records and nothing can be counted.")
    enabled = connection.statistics_enabled
    action = "statistics" if enabled is False else ""
    return Step(_("CPA writes usage statistics"), enabled, "" if enabled else hint, action)


def _drain():
    alive = is_alive(DrainState.load())
    return Step(_("The drain is running"), alive, "" if alive else _("Start it: manage.py drain"))


def _first_record():
    return Step(_("The first record is stored"), None, _("Send a request through CPA: it shows here within seconds."))
