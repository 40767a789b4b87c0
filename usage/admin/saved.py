"""What people keep, in the admin: columns of bills (deleted, they are asked again), views, and links to views."""

from django.contrib import admin

from cpa_usage.admin.access import Revoking
from cpa_usage.admin.rows import ReadOnlyAdmin
from usage.models import ColumnMapping, SavedView, SharedView


@admin.register(ColumnMapping)
class ColumnMappingAdmin(ReadOnlyAdmin):
    """The columns that were chosen for files with one header."""

    list_display = ["__str__", "zone"]


@admin.register(SavedView)
class SavedViewAdmin(ReadOnlyAdmin):
    """Made and renamed on the pages."""

    list_display = ["name", "page", "query"]

    def view_on_site(self, view):
        """The page with its filters."""
        return view.address


@admin.register(SharedView)
class SharedViewAdmin(Revoking, ReadOnlyAdmin):
    """A revoked one stays to be looked at until it is deleted."""

    list_display = ["__str__", "shown", "page", "query", "state", "made_at", "expires_at", "last_used_at"]
