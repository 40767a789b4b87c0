"""Findings about the web process and the plan of the tasks."""

from django.conf import settings
from django.core.management import call_command
from django_q.models import Schedule

from cpa_usage.http.addresses import local
from cpa_usage.management.commands.plantasks import OURS, periodic_tasks
from usage.ops.doctor.findings import Finding, verdict

ANSWER_SECONDS = 5


def planned():
    """Whether the periodic tasks are planned."""
    planned = set(Schedule.objects.filter(name__startswith=OURS).values_list("name", flat=True))
    missing = ", ".join(task.name for task in periodic_tasks() if OURS + task.name not in planned)
    wrong = f"{missing}: not planned; run manage.py plantasks." if missing else ""
    well = f"{len(planned)} periodic tasks are planned."
    yield verdict("Schedules", wrong, well, lambda: call_command("plantasks", verbosity=0))


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
