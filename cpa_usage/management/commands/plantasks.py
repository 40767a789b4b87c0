"""manage.py plantasks: the table of periodic tasks, and the command that copies it to the cluster's schedules."""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone
from django_q.models import Schedule

OURS = "cpa-usage: "  # begins the names of our schedules; other schedules are left alone
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
        Task("CPA's accounts and keys", "catalog.tasks.sync", minutes, keep_successes=False),
        Task("prices of new models", "pricing.tasks.price_models", 10, keep_successes=False),
        Task("price catalogue", "pricing.tasks.update_prices"),
        Task("retention", "usage.tasks.retention"),
        Task("proof of the totals", "usage.tasks.verify"),
        Task("expired sessions", "cpa_usage.tasks.flush_sessions"),
    ]
    return [*tasks, Task("backup", "usage.tasks.backup")] if settings.BACKUP_DIR else tasks


class Command(BaseCommand):
    """Run at every start, and by the nightly task, which keeps 03:00 at 03:00 where clocks jump over it."""

    help = "Make the task cluster's schedules equal to the project's table of periodic tasks."

    def handle(self, **options):
        """Idempotent; a run that is due stays due."""
        tasks = periodic_tasks()
        with transaction.atomic():
            self._remove_others([OURS + task.name for task in tasks])
            for task in tasks:
                _plan(task)
        if options["verbosity"] > 0:
            self.stdout.write(f"{len(tasks)} periodic tasks are planned.")

    @staticmethod
    def _remove_others(names):
        """Schedules no longer in the table, and all but one of a name: names are not unique by themselves."""
        ours, kept = Schedule.objects.filter(name__startswith=OURS).order_by("pk"), set()
        for schedule in ours.select_for_update():
            if schedule.name not in names or schedule.name in kept:
                schedule.delete()
            kept.add(schedule.name)


def _plan(task: Task):
    name = OURS + task.name
    planned = Schedule.objects.filter(name=name).values_list("next_run", flat=True).first()
    Schedule.objects.update_or_create(
        name=name,
        defaults={
            "func": task.function,
            "schedule_type": Schedule.DAILY if task.minutes is None else Schedule.MINUTES,
            "minutes": task.minutes,
            "next_run": next_run(task, planned, timezone.now(), ZoneInfo(settings.TIME_ZONE)),
            "kwargs": None if task.keep_successes else "q_options={'save': False}",
            "repeats": -1,
            "args": None,
            "hook": None,
            "cron": None,
            "cluster": None,
            "intended_date_kwarg": None,
        },
    )


def next_run(task: Task, planned: datetime | None, now: datetime, zone: ZoneInfo) -> datetime:
    """When the task runs next; `planned` is what the schedule says so far, None for a new one."""
    if task.minutes is None:
        return _next_night(planned, now, zone)
    if planned is None or planned > now + timedelta(minutes=task.minutes):
        return now
    return planned


def _next_night(planned, now, zone):
    """03:00 of the planned local day, but no later than tomorrow."""
    today = now.astimezone(zone).date()
    tomorrow = today + timedelta(days=1)
    if planned is None:
        return _night(today, zone) if _night(today, zone) > now else _night(tomorrow, zone)
    return _night(min(planned.astimezone(zone).date(), tomorrow), zone)


def _night(day: date, zone) -> datetime:
    return datetime.combine(day, NIGHT, zone).astimezone(UTC)
