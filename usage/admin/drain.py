"""The drain in the admin: records that could not be stored, gaps, and its state."""

from datetime import UTC, datetime

from django.contrib import admin, messages
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from cpa_usage.admin.rows import ReadOnlyAdmin, never
from usage.ingest.writer import retry
from usage.models import DeadLetter, DrainState, Gap
from usage.records.secrecy import shown

KINDS = dict.fromkeys(DeadLetter.Kind.values, "warning") | {DeadLetter.Kind.MALFORMED: "danger"}


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    """Records that could not be stored. They may hold keys, so what is shown of them is masked."""

    list_display = ["__str__", "badge", "arrived_at", "size"]
    list_filter = ["kind"]
    search_fields = ["reason"]
    fields = ["kind", "reason", "arrived_at", "size", "masked"]
    actions = ["retry"]

    @display(description=_("Kind"), ordering="kind", label=KINDS)
    def badge(self, letter):
        """Its kind, coloured."""
        return letter.kind, gettext(letter.get_kind_display())

    @admin.display(description=_("Arrived"), ordering="arrived")
    def arrived_at(self, letter):
        """Local time."""
        return f"{timezone.localtime(datetime.fromtimestamp(letter.arrived // 1_000_000, UTC)):%Y-%m-%d %H:%M:%S}"

    @admin.display(description=_("Bytes"))
    def size(self, letter):
        """Size of the whole record."""
        return len(letter.raw)

    @admin.display(description=_("Record (keys masked)"))
    def masked(self, letter):
        """The beginning of the record."""
        return shown(bytes(letter.raw))

    @action(description=_("Try to store them again"), permissions=["delete"])
    def retry(self, request, queryset):
        """Store what can be stored now; the rest stays."""
        chosen, stored = queryset.count(), retry(queryset)
        left = chosen - stored
        sentence = ngettext("%d record was stored.", "%d records were stored.", stored) % stored
        sentence += ngettext(" %d still cannot be.", " %d still cannot be.", left) % left if left else ""
        messages.add_message(request, messages.WARNING if left else messages.SUCCESS, sentence)


@admin.register(Gap)
class GapAdmin(ReadOnlyAdmin):
    """Times in which records may have been lost."""

    list_display = ["start", "end", "times", "lost", "reason", "dismissed_at"]
    search_fields = ["reason"]
    actions = ["dismiss", "restore"]

    @action(description=_("Dismiss: raise no notice"), permissions=["delete"])
    def dismiss(self, request, queryset):
        """Put them aside."""
        queryset.dismiss()

    @action(description=_("Take a dismissal back"), permissions=["delete"])
    def restore(self, request, queryset):
        """They raise a notice again."""
        queryset.restore()


@admin.register(DrainState)
class DrainStateAdmin(ReadOnlyAdmin):
    """The only row of the drain."""

    list_display = ["__str__", "last_pop_at", "last_inserted_at", "total_inserted", "total_decode_errors"]
    has_delete_permission = never  # it holds the writers' lock and counters
