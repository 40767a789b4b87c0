"""Admin pages of rows that the program writes."""

from unfold.admin import ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """Rows to look at, and to delete unless a subclass refuses it."""

    show_full_result_count = False

    def has_add_permission(self, request):
        """Never: the program adds them."""
        return False

    def has_change_permission(self, request, obj=None):
        """Never: the program changes them."""
        return False
