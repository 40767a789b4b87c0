"""Requests to the task cluster that do not pile up."""

from django.utils import timezone


def queue_once(task: str, *args, begun: bool = False):
    """Queue a task by its dotted name, unless the same request waits already, or with `begun` is at work, or was until
    its process was killed. Raises django.db.Error.
    """
    from django_q.models import OrmQ
    from django_q.tasks import async_task

    there = OrmQ.objects.all() if begun else OrmQ.objects.filter(lock__lte=timezone.now())
    if not any(queued.func() == task and tuple(queued.args() or ()) == args for queued in there):
        async_task(task, *args, save=False)
