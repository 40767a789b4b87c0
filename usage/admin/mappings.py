"""How files that are compared with records are read, in the admin: deleted, it is asked again."""

from django.contrib import admin

from cpa_usage.admin.rows import ReadOnlyAdmin
from usage.models import ColumnMapping


@admin.register(ColumnMapping)
class ColumnMappingAdmin(ReadOnlyAdmin):
    """The columns that were chosen for files with one header."""

    list_display = ["__str__", "zone"]
