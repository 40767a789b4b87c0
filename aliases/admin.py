"""Client keys and their names in the admin: named in the list itself, carried over as a file."""

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from msgspec import json
from msgspec.structs import asdict
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from aliases import shapes
from aliases.forms import ImportForm
from aliases.models import AccountName, ApiKey
from cpa_usage.admin.rows import never
from cpa_usage.keys import account_name


class AsOpened:
    """For a ModelAdmin: a form has changed what differs from the page it was opened in, not from the row as it is now.

    Else a list that was open for a while would give every other row the texts back that it had then.
    """

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        """With a hidden field that sends along what was shown."""
        return super().formfield_for_dbfield(db_field, request, show_hidden_initial=True, **kwargs)


@admin.register(ApiKey)
class ApiKeyAdmin(AsOpened, ModelAdmin):
    """Client keys. Rows come from records and stay, because records point at them; usage adds its own columns."""

    list_editable = ["alias", "owner"]
    search_fields = ["alias", "owner", "note", "mask", "fingerprint"]
    fields = ["shown", "alias", "owner", "note", "alias_updated_at", "fingerprint", "created_at"]
    readonly_fields = ["shown", "alias_updated_at", "fingerprint", "created_at"]
    actions = ["clear_names"]
    actions_list = ["export_file", "import_file"]
    show_full_result_count = False
    has_add_permission = never  # a raw key is not to be typed in here
    has_delete_permission = never  # records point at it
    list_max_show_all = 150  # a row sends up to six fields, and Django takes a thousand in all

    def get_queryset(self, request):
        """Without the row that stands for "no key"."""
        return ApiKey.objects.real()

    def save_model(self, request, obj, form, change):
        """Through the verb, which trims what was typed and counts the change."""
        ApiKey.objects.describe(obj.fingerprint, **{name: form.cleaned_data[name] for name in form.changed_data})

    @display(description=_("Key"), ordering="mask")
    def shown(self, key):
        """The mask; a key that was only named by its fingerprint has none."""
        return key.mask or _("(known by its fingerprint)")

    @display(description=_("Fingerprint"))
    def key_id(self, key):
        """The first characters of the key_id."""
        return key.fingerprint[:12]

    @action(description=_("Clear the names"), permissions=["change"])
    def clear_names(self, request, queryset):
        """Clear the names; the keys stay."""
        named = [key for key in queryset if key.alias]
        for key in named:
            key.describe(alias="")
        messages.success(request, _("%d names were cleared.") % len(named))

    @action(description=_("Export JSON"), url_path="export", icon="download", permissions=["view"])
    def export_file(self, request):
        """The API's export as a file."""
        headers = {"Content-Disposition": 'attachment; filename="cpa-usage-aliases.json"'}
        body = json.format(json.encode(shapes.export()), indent=2)
        return HttpResponse(body, content_type="application/json", headers=headers)

    @action(description=_("Import JSON"), url_path="import", icon="upload", permissions=["change"])
    def import_file(self, request):
        """A file that is imported whole or not at all."""
        form = ImportForm(request.POST or None, request.FILES or None)
        if form.is_valid():
            done = ApiKey.objects.import_items(form.cleaned_data["mode"], form.cleaned_data["file"])
            sentence = _("Keys named: %(imported)s. Items skipped: %(skipped)s. Names cleared: %(removed)s.")
            messages.success(request, sentence % asdict(done))
            return redirect("admin:aliases_apikey_changelist")
        context = {**self.admin_site.each_context(request), "title": _("Import names"), "opts": self.opts, "form": form}
        return TemplateResponse(request, "admin/aliases/import.html", context)


@admin.register(AccountName)
class AccountNameAdmin(AsOpened, ModelAdmin):
    """What people call upstream accounts."""

    list_display = ["account", "name"]
    list_editable = ["name"]
    search_fields = ["account", "name"]
    has_delete_permission = never  # a name that is cleared is gone

    def get_readonly_fields(self, request, obj=None):
        """A name stays with its account: under another one it would be a second row."""
        return ["account"] if obj else []

    def get_form(self, request, obj=None, change=False, **kwargs):
        """A new row has a name; a blank one takes that of a row away."""
        form = super().get_form(request, obj, change, **kwargs)
        if not change:
            form.base_fields["name"].required = True
        return form

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """A key that was typed is replaced by its fingerprint before a refused form could show it again."""
        if "account" in request.POST:
            request.POST = request.POST.copy()
            request.POST["account"] = account_name(request.POST["account"].strip())
        return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request, obj, form, change):
        """Through the verb, which counts the change; the page that follows looks for the row that it made."""
        if form.has_changed() and (named := AccountName.objects.rename(obj.account, obj.name)):
            obj.pk = named.pk
