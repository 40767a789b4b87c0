"""Tokens for programs in the admin."""

from django.contrib import admin, messages
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from cpa_usage.models import ApiToken


@admin.register(ApiToken)
class ApiTokenAdmin(ModelAdmin):
    """Made here and shown once; what is kept is a hash. A revoked one stays to be looked at until it is deleted."""

    list_display = ["name", "shown", "scope", "state", "made_at", "expires_at", "last_used_at"]
    fields = ["name", "scope", "expires_at", "shown", "made_at", "last_used_at", "revoked_at"]
    actions = ["revoke"]
    show_full_result_count = False

    @display(description=_("State"), label={"active": "success", "revoked": "danger", "expired": "warning"})
    def state(self, token):
        """Whether it still works."""
        return token.state, gettext(token.state)

    def get_fields(self, request, obj=None):
        """A new one has only a name, a scope and perhaps an end."""
        return self.fields if obj else self.fields[:3]

    def get_readonly_fields(self, request, obj=None):
        """What a token may do does not change once it is handed out."""
        return [name for name in self.fields if name != "name"] if obj else []

    def save_model(self, request, obj, form, change):
        """Make it, and show it this once."""
        if change:
            super().save_model(request, obj, form, change)
        else:
            token = obj.issue()
            messages.warning(request, f"{_('The token, shown this once:')} {token}")

    @admin.action(description=_("Revoke"))
    def revoke(self, request, queryset):
        """At once, for all who have it."""
        for token in queryset:
            token.revoke()
        messages.success(request, _("%s tokens are revoked.") % len(queryset))
