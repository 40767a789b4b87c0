"""The project's own periodic tasks; manage.py plantasks says when they run."""

from datetime import timedelta

from django.core.management import call_command
from django.utils import timezone
from django_q.models import Task

from cpa_usage.models import forget_old

KEEP_RESULTS = timedelta(days=7)


def flush_sessions():
    """Forget expired sessions and old results of tasks, and put the schedules right (the clocks may have changed)."""
    forget_old()
    call_command("clearsessions", verbosity=0)
    Task.objects.filter(stopped__lt=timezone.now() - KEEP_RESULTS).delete()
    call_command("plantasks", verbosity=0)
