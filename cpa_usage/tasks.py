"""The project's own periodic tasks, and the queue of all tasks; manage.py plantasks says when they run."""

import logging
import time
from datetime import timedelta

from django.core.management import call_command
from django.db import Error, connection
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.models import Task

from cpa_usage.database.versions import require_this_version
from cpa_usage.models import forget_old

log = logging.getLogger(__name__)

KEEP_RESULTS = timedelta(days=7)
RETRY_SECONDS = 5


class Broker(ORM):
    """The queue of tasks in the database. While that is away, or of another version, no task is taken from it."""

    def dequeue(self):
        """[(key, signed task)], or None; django-q's own would end its process, which waits for 10 seconds before."""
        try:
            require_this_version()
            return super().dequeue()
        except Error as error:
            log.warning("No task is begun: %s", str(error).strip().partition("\n")[0])
            connection.close()  # it may be useless now
            time.sleep(RETRY_SECONDS)
            return None


def flush_sessions():
    """Forget expired sessions and old results of tasks, and put the schedules right (the clocks may have changed)."""
    forget_old()
    call_command("clearsessions", verbosity=0)
    Task.objects.filter(stopped__lt=timezone.now() - KEEP_RESULTS).delete()
    call_command("plantasks", verbosity=0)
