"""Secrets in the admin: tokens for programs, and what else can be revoked."""

from django.contrib import admin, messages
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from cpa_usage.models import ApiToken


class Revoking:
    """For a ModelAdmin of secrets: whether each still works, and an action that ends it."""

    actions = ["revoke"]
    show_full_result_count = False

    @display(description=_("State"), label={"active": "success", "revoked": "danger", "expired": "warning"})
    def state(self, secret):
        """Whether the secret still works."""
        return secret.state, gettext(secret.state)

    @admin.action(description=_("Revoke"))
    def revoke(self, request, queryset):
        """Revoke at once, for every holder."""
        for secret in queryset:
            secret.revoke()
        found = {"count": len(queryset), "kind": self.opts.verbose_name_plural}
        messages.success(request, _("Revoked: %(count)s of %(kind)s.") % found)


@admin.register(ApiToken)
class ApiTokenAdmin(Revoking, ModelAdmin):
    """Made here and shown once; what is kept is a hash. A revoked one stays to be looked at until it is deleted."""

    list_display = ["name", "shown", "scope", "state", "made_at", "expires_at", "last_used_at"]
    fields = ["name", "scope", "expires_at", "shown", "made_at", "last_used_at", "revoked_at"]

    def get_fields(self, request, obj=None):
        """A new one has only a name, a scope and perhaps an end."""
        return self.fields if obj else self.fields[:3]

    def get_readonly_fields(self, request, obj=None):
        """What a token may do does not change once it is handed out."""
        return [name for name in self.fields if name != "name"] if obj else []

    def save_model(self, request, obj, form, change):
        """Make the token, and show it this once."""
        if change:
            super().save_model(request, obj, form, change)
        else:
            token = obj.issue()
            messages.warning(request, f"{_('The token, shown this once:')} {token}")
