"""Findings about the processes: web, drain and tasks, and what the tasks have done."""

from datetime import timedelta

from django.conf import settings
from django.core.management import call_command
from django.utils import timezone
from django_q.models import Failure, Schedule

from cpa_usage.http.addresses import local
from cpa_usage.management.commands.plantasks import OURS, periodic_tasks
from usage.models import DrainState
from usage.ops.doctor.findings import Finding, verdict
from usage.ops.readiness import stalled

OVERDUE_AFTER = timedelta(minutes=5)  # the cluster looks every 30 s, and one task may hold it up a little
PROOF_AGE = timedelta(days=2)
ANSWER_SECONDS = 5


def drain():
    """Whether the drain runs and takes records."""
    yield verdict("Drain", stalled(DrainState.load(), timezone.now()), "It runs and takes CPA's records.")


def tasks():
    """Whether the periodic tasks are planned, and run when they are due."""
    due = dict(Schedule.objects.filter(name__startswith=OURS).values_list("name", "next_run"))
    if missing := [task.name for task in periodic_tasks() if OURS + task.name not in due]:
        sentence = f"{', '.join(missing)}: not planned; run manage.py plantasks."
        yield Finding("Tasks", False, sentence, lambda: call_command("plantasks", verbosity=0))
    elif late := [name for name, next_run in due.items() if next_run < timezone.now() - OVERDUE_AFTER]:
        names = ", ".join(sorted(name.removeprefix(OURS) for name in late))
        yield Finding("Tasks", False, f"Overdue: {names}. Start the task cluster (manage.py qcluster).")
    else:
        yield Finding("Tasks", True, f"{len(due)} periodic tasks are planned, and none is overdue.")


def failures():
    """Whether a task failed in the last day."""
    recent = Failure.objects.filter(stopped__gte=timezone.now() - timedelta(days=1))
    names = ", ".join(sorted(set(recent.values_list("func", flat=True))))
    wrong = f"Failed in the last 24 hours: {names}. The admin shows why." if names else ""
    yield verdict("Failures", wrong, "No task has failed in the last 24 hours.")


def proof():
    """Whether the totals were proved lately, and the proof holds."""
    state = DrainState.load()
    if state.proved_at is None:
        yield Finding("Proof", True, "The totals have not been proved yet: it is done every night.")
    elif timezone.now() - state.proved_at > PROOF_AGE:
        sentence = f"The totals were last proved at {state.proved_at:%Y-%m-%d %H:%M} UTC: run manage.py verify."
        yield Finding("Proof", False, sentence)
    else:
        yield Finding("Proof", bool(state.proof_holds), state.proof)


def web():
    """Whether our pages are served at the port and the base path."""
    import httpx

    address = f"{local()}{settings.APP_BASE_PATH}/healthz"
    try:
        reply = httpx.get(address, timeout=ANSWER_SECONDS, trust_env=False)
    except httpx.HTTPError as error:
        why = type(error).__name__
        yield Finding("Web", False, f"Nothing answers at {address} ({why}): start the web process, or see APP_PORT.")
        return
    ours = reply.status_code == 200 and reply.content == b'{"status":"ok"}'
    other = f"Something else answers at {address} ({reply.status_code}): see APP_PORT and APP_BASE_PATH."
    yield verdict("Web", "" if ours else other, f"It answers at {address}.")
