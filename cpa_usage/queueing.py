"""Requests to the task cluster that do not pile up."""

from django.utils import timezone


def queue_once(task: str):
    """Queue a task by its dotted name, unless the same request waits already. Raises django.db.Error."""
    from django_q.models import OrmQ
    from django_q.tasks import async_task

    waiting = OrmQ.objects.filter(lock__lte=timezone.now())
    if not any(queued.func() == task for queued in waiting):
        async_task(task, save=False)
