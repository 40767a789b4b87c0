"""What is wrong and what to do about it, one line each, the most urgent first."""

from datetime import timedelta
from typing import NamedTuple

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from catalog.models import Connection
from usage.models import DrainState, Gap
from usage.ops.status import is_alive

GAPS_SHOWN_FOR = timedelta(days=7)


class Notice(NamedTuple):
    """A sentence, what to do, and the page where that is done."""

    level: str  # "bad" or "warn"
    sentence: str
    action: str
    url: str


def notices(unpriced: str = "") -> list[Notice]:
    """All that hold now; `unpriced` says what is missing from a period's cost."""
    found = [_refused(), _switched_off(), _silent(), _gap(), _unpriced(unpriced)]
    return [notice for notice in found if notice]


def _refused():
    sentence = Connection.refused()
    return Notice("bad", sentence, _("System"), reverse("system")) if sentence else None


def _switched_off():
    if not Connection.objects.filter(pk=1, statistics_enabled=False).exists():
        return None
    sentence = _("CPA drops its usage records: usage statistics are switched off there.")
    return Notice("bad", sentence, _("Switch on"), reverse("system"))


def _silent():
    state = DrainState.load()
    if state.heartbeat_at is None or is_alive(state):
        return None
    since = _minute(state.heartbeat_at)
    sentence = _("Nothing is consumed since %(since)s: start the drain (manage.py drain).") % {"since": since}
    return Notice("bad", sentence, _("System"), reverse("system"))


def _gap():
    gap = Gap.objects.filter(end__gte=timezone.now() - GAPS_SHOWN_FOR).first()
    if gap is None:
        return None
    edges = {"start": _minute(gap.start), "end": _minute(gap.end)}
    sentence = _("Records may have been lost between %(start)s and %(end)s.") % edges
    return Notice("warn", sentence, _("Why"), reverse("system"))


def _unpriced(sentence):
    return Notice("warn", sentence, _("Set prices"), reverse("prices")) if sentence else None


def _minute(moment):
    return date_format(timezone.localtime(moment), _("M j, H:i"))
