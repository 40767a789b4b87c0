"""manage.py plantasks: the table of periodic tasks, and the command that copies it to the cluster's schedules."""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop as _
from django_q.models import Schedule

from cpa_usage.database.preparing import lock_preparation

OURS = "cpa-usage: "  # begins the names of our schedules; other schedules stay as they are
NIGHT = time(3)
MOST_MINUTES = 32_767  # the column holds no more


class Task(NamedTuple):
    """A function to run every so many minutes, or every night at 03:00 in the project's zone when `minutes` is None."""

    name: str
    function: str
    minutes: int | None = None
    keep_successes: bool = True


def periodic_tasks() -> list[Task]:
    """Every periodic task of the project. Shorter intervals than a minute are the drain's: schedules are too coarse."""
    interval = settings.METADATA_SYNC_INTERVAL.total_seconds()
    minutes = min(max(int(interval // 60), 1), MOST_MINUTES)
    tasks = [
        Task(_("CPA's accounts and keys"), "catalog.tasks.sync", minutes, keep_successes=False),
        Task(_("prices of new models"), "pricing.tasks.price_models", 10, keep_successes=False),
        Task(_("interrupted imports"), "usage.imports.tasks.resume", 5, keep_successes=False),
        Task(_("price catalogue"), "pricing.tasks.update_prices"),
        Task(_("retention"), "usage.tasks.retention"),
        Task(_("proof of the totals"), "usage.tasks.verify"),
        Task(_("expired sessions"), "cpa_usage.tasks.flush_sessions"),
    ]
    return [*tasks, Task(_("backup"), "usage.tasks.backup")] if settings.BACKUP_DIR else tasks


class Command(BaseCommand):
    """Run at every start, and by the nightly task, which keeps 03:00 at 03:00 where clocks jump over it."""

    help = "Make the task cluster's schedules equal to the project's table of periodic tasks."

    def handle(self, **options):
        """Idempotent; a run that is due stays due. All are made again, for names are not unique by themselves."""
        tasks, ours = periodic_tasks(), Schedule.objects.filter(name__startswith=OURS)
        with transaction.atomic():
            lock_preparation()  # where there is no schedule yet, no row can be locked
            planned = {schedule.name: schedule for schedule in ours.select_for_update()}
            ours.delete()
            Schedule.objects.bulk_create(_schedule(task, planned.get(OURS + task.name)) for task in tasks)
        if options["verbosity"] > 0:
            self.stdout.write(f"{len(tasks)} periodic tasks are planned.")


def _schedule(task, planned):
    """The schedule of a task; `planned` is the one it had so far, or None."""
    due = planned.next_run if planned else None
    return Schedule(
        name=OURS + task.name,
        func=task.function,
        schedule_type=Schedule.DAILY if task.minutes is None else Schedule.MINUTES,
        minutes=task.minutes,
        next_run=next_run(task, due, timezone.now(), ZoneInfo(settings.TIME_ZONE)),
        kwargs=None if task.keep_successes else "q_options={'save': False}",
        task=planned.task if planned else None,  # its last run
    )


def next_run(task: Task, planned: datetime | None, now: datetime, zone: ZoneInfo) -> datetime:
    """When the task runs next; `planned` is what its schedule says so far. A night is no later than tomorrow's."""
    if task.minutes is not None:
        return planned if planned and planned <= now + timedelta(minutes=task.minutes) else now
    today = now.astimezone(zone).date()
    tomorrow = today + timedelta(days=1)
    if planned:
        return _night(min(planned.astimezone(zone).date(), tomorrow), zone)
    return _night(today if now < _night(today, zone) else tomorrow, zone)


def _night(day: date, zone) -> datetime:
    return datetime.combine(day, NIGHT, zone).astimezone(UTC)
