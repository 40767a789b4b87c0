"""Client keys and their names in the admin: named in the list itself, carried over as a file."""

from urllib.parse import urlencode

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from msgspec import json
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from aliases import answers
from aliases.forms import ImportForm
from aliases.models import ApiKey
from cpa_usage.admin.changelists import LastSeenList

PICO = 10**12


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    """Keys observed or named, the busiest first. Keys come from records; their rows stay."""

    list_display = ["shown", "alias", "requests", "cost", "last_seen", "key_id"]
    list_editable = ["alias"]
    search_fields = ["alias", "mask", "fingerprint"]
    fields = ["shown", "alias", "alias_updated_at", "fingerprint", "created_at"]
    readonly_fields = ["shown", "alias_updated_at", "fingerprint", "created_at"]
    actions = ["clear_names"]
    actions_list = ["export_file", "import_file"]
    list_per_page = 100
    show_full_result_count = False

    def get_queryset(self, request):
        """Counted; the row that stands for no key is no key."""
        return ApiKey.objects.listed().with_costs()

    def get_changelist(self, request, **kwargs):
        """A list that tells when each was last seen."""
        return LastSeenList

    def get_ordering(self, request):
        """As the API lists them."""
        return ["-event_count", "mask", "fingerprint"]

    def has_add_permission(self, request):
        """A key is never typed in here."""
        return False

    def has_delete_permission(self, request, obj=None):
        """Records point at it."""
        return False

    def view_on_site(self, key):
        """The dashboard's view of it."""
        return f"{reverse('overview')}?{urlencode({'range': '30d', 'api_key': key.fingerprint})}"

    def save_model(self, request, obj, form, change):
        """A name, cut and counted as everywhere."""
        obj.rename(obj.alias)

    @display(description="Key", ordering="mask")
    def shown(self, key):
        """All there is to recognise it by."""
        return key.mask or "(known by its fingerprint)"

    @display(description="Requests", ordering="event_count")
    def requests(self, key):
        """Attempts ever counted."""
        return f"{key.event_count:,}"

    @display(description="Cost", ordering="pico")
    def cost(self, key):
        """List price, and how much of the tokens has none."""
        unpriced = key.unpriced * 100 / key.tokens if key.tokens else 0
        rest = f" ({unpriced:.0f} % of tokens unpriced)" if unpriced >= 0.5 else ""
        return f"${int(key.pico) / PICO:,.2f}{rest}"

    @display(description="Last seen", ordering="last_month")
    def last_seen(self, key):
        """The local day, or the month when it is long ago."""
        return key.last_seen

    @display(description="Fingerprint")
    def key_id(self, key):
        """Its beginning."""
        return key.fingerprint[:12]

    @action(description="Clear the names", permissions=["change"])
    def clear_names(self, request, queryset):
        """The keys stay."""
        named = [key for key in queryset if key.alias]
        for key in named:
            key.forget()
        messages.success(request, f"{len(named)} names were cleared.")

    @action(description="Export JSON", url_path="export", icon="download", permissions=["view"])
    def export_file(self, request):
        """Every name, by fingerprint."""
        headers = {"Content-Disposition": 'attachment; filename="cpa-usage-aliases.json"'}
        body = json.format(json.encode(answers.export()), indent=2)
        return HttpResponse(body, content_type="application/json", headers=headers)

    @action(description="Import JSON", url_path="import", icon="upload", permissions=["change"])
    def import_file(self, request):
        """A file that is taken whole or not at all."""
        form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
        if form.is_bound and form.is_valid():
            done = ApiKey.objects.import_items(**form.import_data)
            said = f"{done.imported} keys were named, {done.skipped} items skipped, {done.removed} names cleared."
            messages.success(request, said)
            return redirect("admin:aliases_apikey_changelist")
        context = {**self.admin_site.each_context(request), "title": "Import names", "opts": self.opts, "form": form}
        return TemplateResponse(request, "admin/aliases/import.html", context)
