"""What is wrong and what to do about it, one line each, the most urgent first."""

from datetime import timedelta
from typing import NamedTuple

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from catalog.models import Connection
from usage.analytics.answers import Summary
from usage.dashboard.wording import percent
from usage.models import DrainState, Gap

SILENT_AFTER = timedelta(seconds=90)  # the drain writes its heartbeat far more often
GAPS_SHOWN_FOR = timedelta(days=7)


class Notice(NamedTuple):
    """A sentence, what to do, and where."""

    level: str  # "bad" or "warn"
    sentence: str
    action: str
    url: str


def notices(figures: Summary | None = None) -> list[Notice]:
    """All that hold now; `figures` of the period tell what is unpriced in it."""
    state, connection = DrainState.load(), Connection.objects.filter(pk=1).first()
    found = [_refused(), _off(connection), _silent(state), _gap(), _unpriced(figures)]
    return [notice for notice in found if notice]


def _refused():
    if sentence := Connection.refused():
        return Notice("bad", sentence, _("System"), reverse("system"))
    return None


def _off(connection):
    if connection and connection.statistics_enabled is False:
        sentence = _("CPA drops its usage records: usage statistics are switched off there.")
        return Notice("bad", sentence, _("Switch on"), reverse("system"))
    return None


def _silent(state):
    if state.heartbeat_at is None or timezone.now() - state.heartbeat_at < SILENT_AFTER:
        return None
    since = date_format(timezone.localtime(state.heartbeat_at), _("M j, H:i"))
    sentence = _("Nothing is consumed since %(since)s: start the drain (manage.py drain).") % {"since": since}
    return Notice("bad", sentence, _("System"), reverse("system"))


def _gap():
    gap = Gap.objects.filter(end__gte=timezone.now() - GAPS_SHOWN_FOR).first()
    if gap is None:
        return None
    start, end = (date_format(timezone.localtime(moment), _("M j, H:i")) for moment in (gap.start, gap.end))
    sentence = _("Records may have been lost between %(start)s and %(end)s.") % {"start": start, "end": end}
    return Notice("warn", sentence, _("Why"), reverse("system"))


def _unpriced(figures):
    if not figures or not figures.unpriced_tokens or not figures.total_tokens:
        return None
    part = percent(figures.unpriced_tokens / figures.total_tokens)
    sentence = _("%(part)s of tokens have no price and are missing from cost.") % {"part": part}
    return Notice("warn", sentence, _("Set prices"), reverse("prices"))
