"""What people keep: how files of a kind are read, views with a name, and links to views for people without a login."""

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from cpa_usage.models import Secret


class ColumnMapping(models.Model):
    """The meaning of the columns of all files with the same header. Nothing else of a file is kept."""

    fingerprint = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the names in the header.")
    columns = models.JSONField(help_text="The name of the column by role.")
    zone = models.CharField(max_length=64, help_text="The time zone of its days.")

    def __str__(self):
        return ", ".join(f"{role}={name}" for role, name in sorted(self.columns.items()))


class View(models.Model):
    """A page with everything in its address: filters, columns, order."""

    name = models.CharField(max_length=100, help_text="What it is called.")
    page = models.CharField(max_length=32, help_text="The name of its address.")
    query = models.TextField(blank=True, help_text="The parameters of its address.")

    class Meta:
        abstract = True

    def __str__(self):
        return self.name

    @property
    def address(self) -> str:
        """The address of the view."""
        return f"{reverse(self.page)}?{self.query}"


class SavedView(View):
    """A view that can be opened by its name."""

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["name"], name="saved_view_name")]


class SharedViewQuerySet(models.QuerySet):
    """Links to views."""

    def active_first(self):
        """Open links first, then those that are over; the newest of each first."""
        over = models.Q(revoked_at__isnull=False) | models.Q(expires_at__lte=timezone.now())
        return self.order_by(models.Case(models.When(over, then=1), default=0), "-made_at", "-pk")


class SharedView(Secret, View):
    """A view that its link shows to people without a login, and nothing else, until it ends or is revoked.

    One without a name is called a shared view in the language of its reader.
    """

    objects = SharedViewQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at", "-pk"]

    def __str__(self):
        return self.name or gettext("Shared view")
