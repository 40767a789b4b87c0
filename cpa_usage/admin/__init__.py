"""The admin pages of other packages: tasks in our theme, and no users or groups."""

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_q.admin import FailAdmin, QueueAdmin, ScheduleAdmin, TaskAdmin
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.admin import ModelAdmin
from unfold.decorators import display

from cpa_usage.admin import access as accessadmin  # registers ours
from cpa_usage.admin.rows import ReadOnlyAdmin
from cpa_usage.admin.words import translate_names
from cpa_usage.management.commands.plantasks import OURS

translate_names()
# Superusers are made with manage.py createsuperuser; the rest is registered again below.
for hidden in (User, Group, Schedule, Success, Failure, OrmQ):
    if admin.site.is_registered(hidden):
        admin.site.unregister(hidden)


@admin.register(Schedule)
class Schedules(ReadOnlyAdmin, ScheduleAdmin):
    """What runs when, as manage.py plantasks has it: a schedule names any function of any module."""

    list_display = ["task", *ScheduleAdmin.list_display[2:]]
    list_display_links = ["task"]

    @display(description=_("Task"), ordering="name")
    def task(self, schedule):
        """Its name in the visitor's language."""
        return gettext(schedule.name.removeprefix(OURS))


@admin.register(Success)
class Successes(ModelAdmin, TaskAdmin):
    """Runs that succeeded."""

    show_full_result_count = False


@admin.register(Failure)
class Failures(ModelAdmin, FailAdmin):
    """Runs that failed."""

    show_full_result_count = False


@admin.register(OrmQ)
class Queue(ModelAdmin, QueueAdmin):
    """Tasks that wait for a worker."""

    show_full_result_count = False
