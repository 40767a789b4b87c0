"""Admin pages of rows that the program writes."""

from unfold.admin import ModelAdmin


def never(admin, request, obj=None) -> bool:
    """For a has_…_permission of a ModelAdmin or an inline: never allowed."""
    return False


class ReadOnlyAdmin(ModelAdmin):
    """Rows to look at, and to delete unless a subclass refuses it."""

    show_full_result_count = False
    has_add_permission = has_change_permission = never
