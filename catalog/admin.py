"""CPA's accounts and upstream keys in the admin: read-only, with a button that reads them from CPA again."""

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from catalog.models import AuthFile, Provider
from catalog.reported import reported
from catalog.sync import sync_now
from cpa_usage.admin.rows import ReadOnlyAdmin, never

BADGES = {"active": "success", "disabled": "warning", "unavailable": "danger", "error": "danger", "absent": "info"}
SYNC_DIALOG = {
    "title": _("Sync accounts and keys with CPA?"),
    "description": _("Accounts, upstream keys, models and switches are read again."),
    "form_submit_text": _("Sync now"),
}


class ListedAdmin(ReadOnlyAdmin):
    """Rows that CPA listed; they are changed at CPA."""

    actions_list = ["sync_now"]
    has_delete_permission = never  # old records point at them

    @display(description=_("Status"), label=BADGES)
    def badge(self, row):
        """The state, coloured."""
        return row.state, gettext(row.state)

    @action(description=_("Sync now"), url_path="sync-now", icon="sync", permissions=["view"], dialog=SYNC_DIALOG)
    def sync_now(self, request, form):
        """Read CPA's lists and show the error, if any."""
        error = sync_now()
        said = reported(error) or _("Accounts and keys are synced with CPA.")
        messages.add_message(request, messages.ERROR if error else messages.SUCCESS, said)
        listed = reverse(f"admin:catalog_{self.opts.model_name}_changelist")
        if request.headers.get("HX-Request"):  # the dialog is htmx's: a plain redirect would end up inside of it
            return HttpResponse(headers={"HX-Redirect": listed})
        return redirect(listed)


@admin.register(AuthFile)
class AuthFileAdmin(ListedAdmin):
    """Accounts."""

    list_display = ["__str__", "provider", "plan", "badge", "status_message", "name", "auth_index", "absent_since"]
    list_filter = ["provider", "disabled", "unavailable"]
    search_fields = ["name", "email", "label", "auth_index"]


@admin.register(Provider)
class ProviderAdmin(ListedAdmin):
    """Upstream keys."""

    list_display = ["vendor", "provider_type", "key_mask", "prefix", "base_url", "badge", "auth_index"]
    list_filter = ["provider_type", "disabled"]
    search_fields = ["name", "prefix", "base_url", "auth_index", "key_mask"]

    @display(description=_("Vendor"))
    def vendor(self, key):
        """The vendor: its name, else the prefix, else the type."""
        return key.display_name
