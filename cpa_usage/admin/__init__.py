"""What other packages put into the admin: tasks in our theme, and no accounts or tokens."""

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django_q.admin import FailAdmin, QueueAdmin, ScheduleAdmin, TaskAdmin
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.admin import ModelAdmin

from cpa_usage.admin import access as accessadmin  # noqa: F401  registers what is ours

# Superusers are made with manage.py createsuperuser; the rest is registered again below.
for hidden in (User, Group, Schedule, Success, Failure, OrmQ):
    if admin.site.is_registered(hidden):
        admin.site.unregister(hidden)


@admin.register(Schedule)
class Schedules(ModelAdmin, ScheduleAdmin):
    """What runs when, as manage.py plantasks has it. Read-only: a schedule names any function of any module."""

    show_full_result_count = False

    def has_add_permission(self, request):
        """Planned in the project's table."""
        return False

    def has_change_permission(self, request, obj=None):
        """The same."""
        return False


@admin.register(Success)
class Successes(ModelAdmin, TaskAdmin):
    """What ran well."""

    show_full_result_count = False


@admin.register(Failure)
class Failures(ModelAdmin, FailAdmin):
    """What did not."""

    show_full_result_count = False


@admin.register(OrmQ)
class Queue(ModelAdmin, QueueAdmin):
    """What waits."""

    show_full_result_count = False
