"""What is wrong and what to do about it, the most urgent first: pages, API, /readyz, doctor and first run draw from it.

Some of it a process notes as an Incident while it lasts; the rest follows from what is stored.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from django.db.models import Exists, Q, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_q.models import Failure, Schedule
from msgspec import Meta, Struct

from catalog.models import Connection
from cpa_usage.database.versions import wrong_version
from cpa_usage.incidents import Incident
from cpa_usage.management.commands.plantasks import OURS
from usage.models import DeadLetter, DrainState, Gap, LabelDay
from usage.ops.gaps import reason, sentence_of
from usage.ops.incidents import KINDS, LATELY
from usage.query.replica import replica
from usage.time.periods import day_number
from usage.time.words import written

# The drain writes its heartbeat and its last pop every 5 s: a stall is noticed within a minute, and one slow write
# or reply is not taken for one.
STALLED_AFTER = timedelta(seconds=45)
AWAY_AFTER = timedelta(seconds=30)
OVERDUE_AFTER = timedelta(minutes=5)  # the cluster looks every 30 s, and one task may hold it up a little
FAILED_FOR = timedelta(days=1)
PROOF_AGE = timedelta(days=2)
LAGGING_SECONDS = 30
SHORT_RETENTION = 60  # seconds: CPA's default; an outage of ours shorter than it loses nothing
NAMED = 3
SEVERITIES = ("error", "warning", "info")
DRAINS_OWN = ("queue", "spool", "rival", "counted", "database")  # what a drain that is silent does not follow any more
CONSUMING = ("counted", "sync")  # warnings that records may not come, or lack their names


class Action(Struct, frozen=True):
    """A button that does something about a notice."""

    address: Annotated[str, Meta(description="Of our pages, for a POST with `value=on`.")]
    label: str


class Notice(Struct, frozen=True, kw_only=True):
    """One thing that is wrong, in the language of the reader."""

    id: Annotated[str, Meta(description="Stays the same in every language and version.")]
    severity: Literal["error", "warning", "info"]
    since: Annotated[datetime | None, Meta(description="Null where that is not known.")] = None
    sentence: str
    detail: Annotated[str, Meta(description="What was reported, in English.")] = ""
    cure: Annotated[str, Meta(description="What to do.")]
    link: Annotated[str, Meta(description="The page that says more.")]
    action: Action | None = None
    unready: Annotated[bool, Meta(description="Whether /readyz says 503 for it.")] = False


class Watch:
    """All that holds now: the notices, what they follow from, and the state of consuming as a `light` and in words.

    The light is good, warn or bad. Five queries while nothing is wrong; raises django.db.Error.
    """

    def __init__(self):
        self.now, self.state, self.connection, self.incidents = timezone.now(), DrainState(), Connection(), {}
        self.replica = None
        found = [_wrong_version(sentence)] if (sentence := wrong_version()) else self._look()
        self.notices = sorted(found, key=lambda notice: SEVERITIES.index(notice.severity))
        self.light, self.words = self._light()

    @property
    def ready(self) -> bool:
        """Whether records are consumed, as far as is known."""
        return not any(notice.unready for notice in self.notices)

    def first(self, *ids: str) -> Notice | None:
        """The most urgent notice with one of these ids, or None."""
        return next((notice for notice in self.notices if notice.id in ids), None)

    def _look(self):
        """Every notice, the most urgent of each severity first."""
        self.state = _state(self.now)
        self.connection = Connection.objects.filter(pk=1).first() or self.connection
        self.replica = replica()
        lasting = Incident.objects.filter(until=None)
        if not is_alive(self.state, self.now):
            lasting = lasting.exclude(kind__in=DRAINS_OWN)
        self.incidents = {incident.kind: incident for incident in lasting}
        looks = (_stalled, _lasting, _proof, _gaps, _letters, _tasks, _replica, _retention, _unpriced)
        return [notice for look in looks for notice in look(self)]

    def _light(self):
        first = self.notices[0] if self.notices else None
        if first and first.severity == "error":
            return "bad", first.sentence
        if "queue" in self.incidents:
            return "warn", _("CPA does not answer just now.")
        if doubt := self.first(*CONSUMING):
            return "warn", doubt.sentence
        return "good", _("CPA's records are being stored.")


def is_alive(state: DrainState, now: datetime) -> bool:
    """Whether a drain has written its heartbeat lately."""
    return state.heartbeat_at is not None and now - state.heartbeat_at <= STALLED_AFTER


def moment(at: datetime) -> str:
    """A local time, with the day unless it is today's."""
    local = timezone.localtime(at)
    return written(local, "H:i" if local.date() == timezone.localdate() else "j M, H:i")


def _state(now):
    """The drain's row, with whether there is something to look for; before the first drain, a fresh one."""
    there_are = {
        "letters": Exists(DeadLetter.objects.all()),
        "gaps": Exists(_gaps_of_late(now)),
        "overdue": Exists(_overdue(now)),
        "failed": Exists(_failed(now)),
    }
    return DrainState.objects.filter(pk=1).annotate(**there_are).first() or DrainState(pk=1)


def _wrong_version(sentence):
    cure = _("Records wait in the spool until then.")
    return _error("database-version", _("The database is not of this version."), cure, detail=sentence)


def _stalled(facts):
    """Notices about the drain itself, which one that stands still cannot note."""
    seen, last = facts.state.heartbeat_at, facts.state.last_pop_at
    start, cure = _("Start it: systemctl start cpa-usage-drain, or manage.py drain."), _(KINDS["queue"].cure)
    if seen is None:
        yield _error("drain-silent", _("The collector has never run."), start)
    elif not is_alive(facts.state, facts.now):
        sentence = _("The collector has not responded since %(since)s.") % {"since": moment(seen)}
        yield _error("drain-silent", sentence, start, since=seen)
    elif facts.incidents.keys() & {"queue", "key", "spool", "database"}:
        return  # they have notices of their own
    elif last is None:
        yield _error("cpa-away", _("CPA's queue has not answered yet."), cure)
    elif facts.now - last > STALLED_AFTER and not _ended_since(facts.now - STALLED_AFTER):
        yield _error("cpa-away", _away(last), cure, since=last)


def _away(since):
    return _("CPA has not answered since %(since)s.") % {"since": moment(since)}


def _lasting(facts):
    """The incidents that last; the queue's only when it has lasted for a while."""
    for kind, (title, cure, severity, button, id_) in KINDS.items():
        incident = _incident(kind, facts)
        if incident is None or (kind == "queue" and facts.now - incident.since < AWAY_AFTER):
            continue
        if kind == "sync" and "queue" in facts.incidents:
            continue  # for the same reason
        yield Notice(
            id=id_ or kind,
            severity=severity,
            since=incident.since,
            sentence=_away(incident.since) if kind == "queue" else _dated(_(title), incident.since),
            detail=incident.sentence,
            cure=_(cure),
            link=reverse("system"),
            action=None if kind == "key" and facts.connection.refusal(by_person=True) else _action(button),
            unready=severity == "error",
        )


def _action(button):
    return button and Action(reverse(button[0], args=button[1]), _(button[2]))


def _incident(kind, facts):
    """The lasting one; of statistics, what was last seen or done is newer than what the drain noted."""
    found = facts.incidents.get(kind)
    if kind != "statistics" or facts.connection.statistics_enabled is None:
        return found
    return None if facts.connection.statistics_enabled else found or Incident(kind=kind)


def _dated(title, since):
    if since is None:
        return _("%(what)s.") % {"what": title}
    return _("%(what)s (since %(since)s).") % {"what": title, "since": moment(since)}


def _proof(facts):
    state = facts.state
    if state.proof_holds is False:
        cure = _("Run manage.py rebuildrollups, then manage.py verify.")
        found = {"since": state.proved_at, "detail": state.proof, "unready": False}
        yield _error("proof", _("The totals differ from their events."), cure, **found)
    elif state.proved_at and facts.now - state.proved_at > PROOF_AGE:
        sentence = _("The totals were last verified at %(since)s.") % {"since": moment(state.proved_at)}
        yield _warning("proof", sentence, _("Run manage.py verify."), since=state.proved_at)


def _gaps(facts):
    if not getattr(facts.state, "gaps", True) or not (gap := _gaps_of_late(facts.now).first()):
        return
    sentence = sentence_of(gap)
    if more := _gaps_of_late(facts.now).count() - 1:
        one, many = "There is %(count)s earlier gap.", "There are %(count)s earlier gaps."
        sentence += " " + ngettext(one, many, more) % {"count": more}
    link = f"{reverse('system')}#gaps-title"
    cure = _("The System page lists them; dismiss those you know about.")
    yield _warning("gaps", sentence, cure, since=gap.start, detail=reason(gap), link=link)


def _letters(facts):
    if not getattr(facts.state, "letters", True) or not (count := DeadLetter.objects.count()):
        return
    one, many = "%(count)s record could not be stored.", "%(count)s records could not be stored."
    sentence = ngettext(one, many, count) % {"count": f"{count:,}"}
    cure, link = _("Their list says why: try them again or remove them."), "admin:usage_deadletter_changelist"
    yield _warning("dead-letters", sentence, cure, link=reverse(link))


def _tasks(facts):
    late = _overdue(facts.now) if getattr(facts.state, "overdue", True) else ()
    if names := ", ".join(sorted(_(schedule.name.removeprefix(OURS)) for schedule in late)):
        sentence = _("Tasks are overdue: %(names)s.") % {"names": names}
        cure = _("Start the task cluster: systemctl start cpa-usage-tasks, or manage.py qcluster.")
        yield _warning("tasks", sentence, cure)
    failed = _failed(facts.now) if getattr(facts.state, "failed", True) else ()
    if names := ", ".join(sorted({task.func for task in failed})):
        sentence = _("Failed in the last 24 hours: %(names)s.") % {"names": names}
        link = reverse("admin:django_q_failure_changelist")
        yield _warning("failures", sentence, _("The admin shows why."), link=link)


def _replica(facts):
    if (found := facts.replica) and (found.lag_seconds is None or found.lag_seconds > LAGGING_SECONDS):
        sentence = _("The replica of DATABASE_READ_URL does not answer.")
        if found.lag_seconds is not None:
            sentence = _("The replica of DATABASE_READ_URL is %(seconds)s s behind.")
            sentence %= {"seconds": round(found.lag_seconds)}
        cure = _("Look at that server. One that is away, or a minute behind, is not read: the primary answers then.")
        yield _warning("replica", sentence, cure)


def _retention(facts):
    seconds = facts.connection.retention_seconds
    if seconds is not None and seconds < SHORT_RETENTION:
        sentence = _("CPA keeps a record for %(seconds)s s only: a restart of ours may lose some.")
        cure = _("Set redis-usage-queue-retention-seconds to 3600 in CPA's config.")
        yield _warning("retention-short", sentence % {"seconds": seconds}, cure)


def _unpriced(facts):
    days = LabelDay.objects.filter(
        bucket__gt=day_number(timezone.localdate()) - LATELY.days, label_value__label="model"
    )
    days = days.filter(Q(unpriced_tokens__gt=0) | Q(unpriced_requests__gt=0)).values_list("label_value__value")
    sums = days.annotate(tokens=Sum("unpriced_tokens"), requests=Sum("unpriced_requests"))
    if not (found := list(sums.order_by("-tokens", "-requests", "label_value__value"))):
        return
    names, tokens, requests = zip(*found, strict=True)
    count = sum(tokens) or sum(requests)
    one = "%(count)s request of the last 7 days has no known cost."
    many = "%(count)s requests of the last 7 days have no known cost."
    sentence = ngettext(one, many, count)
    if any(tokens):
        sentence = _("%(count)s tokens of the last 7 days have no price and are missing from cost.")
    cure = _("Models: %(names)s") % {"names": ", ".join(names[:NAMED]) + ("…" if names[NAMED:] else "")}
    sentence %= {"count": f"{count:,}"}
    yield _warning("unpriced", sentence, cure, severity="info", link=reverse("prices"))


def _gaps_of_late(now):
    return Gap.objects.standing().filter(end__gte=now - LATELY)


def _ended_since(moment):
    """Whether the drain has only just been able to go on."""
    return Incident.objects.filter(kind__in=(*DRAINS_OWN, "key"), until__gte=moment).exists()


def _overdue(now):
    return Schedule.objects.filter(name__startswith=OURS, next_run__lt=now - OVERDUE_AFTER)


def _failed(now):
    return Failure.objects.filter(stopped__gte=now - FAILED_FOR)


def _error(name, sentence, cure, **more):
    more = {"severity": "error", "unready": True, "link": reverse("system"), **more}
    return Notice(id=name, sentence=sentence, cure=cure, **more)


def _warning(name, sentence, cure, **more):
    return _error(name, sentence, cure, **{"severity": "warning", "unready": False, **more})
