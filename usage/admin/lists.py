"""The admin's lists of models and of client keys, with columns of usage read from their kept totals."""

from datetime import date

from django.contrib import admin
from django.db.models import BigIntegerField, Exists, Max, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from aliases.admin import ApiKeyAdmin
from aliases.models import ApiKey
from pricing.admin import ModelAdmin
from pricing.models import Model
from pricing.rates import PICO
from usage.admin.merging import Merging
from usage.models import LabelDay, LabelValue
from usage.time.periods import date_of

admin.site.unregister([ApiKey, Model])


class UsageColumns:
    """For a ModelAdmin whose rows are the values of a kept label: columns of usage and a link to the dashboard."""

    sums = {"request_count": "requests", "token_count": "total"}  # annotation: measure
    label = ("", "")  # its name, and the field that holds the value

    def get_queryset(self, request):
        """Adds `sums`, and `last_day` as a day number."""
        sums = {name: Coalesce(self._total(Sum(measure)), 0) for name, measure in self.sums.items()}
        return super().get_queryset(request).annotate(**sums, last_day=self._total(Max("bucket")))

    def _total(self, aggregate):
        label, field = self.label
        days = LabelDay.objects.of_label(label).filter(label_value__value=OuterRef(field)).order_by()
        found = days.values("label_value").annotate(found=aggregate).values("found")
        return Subquery(found, output_field=BigIntegerField())

    def view_on_site(self, row):
        """The dashboard, filtered by this row."""
        label, field = self.label
        return reverse("overview", query={"range": "30d", label: getattr(row, field)})

    @display(description=_("Requests"), ordering="request_count")
    def requests(self, row):
        """Attempts ever counted."""
        return f"{row.request_count:,}"

    @display(description=_("Last seen"), ordering="last_day")
    def last_seen(self, row):
        """The local day."""
        shown = "–" if row.last_day is None else date.isoformat(date_of(row.last_day))
        return format_html('<span class="whitespace-nowrap">{}</span>', shown)


@admin.register(ApiKey)
class UsedApiKeyAdmin(Merging, UsageColumns, ApiKeyAdmin):
    """Keys observed or named, the busiest first."""

    list_display = ["shown", "alias", "owner", "requests", "cost", "last_seen", "key_id"]
    actions = [*ApiKeyAdmin.actions, "merge"]
    label = ("api_key", "fingerprint")
    sums = UsageColumns.sums | {"pico": "cost", "unpriced": "unpriced_tokens"}

    def get_queryset(self, request):
        """Without keys that were neither used nor named."""
        used = LabelValue.objects.filter(label="api_key", value=OuterRef("fingerprint"))
        return super().get_queryset(request).filter(~Q(alias="", owner="", note="") | Exists(used))

    def get_ordering(self, request):
        """As the API lists them; not `ordering`, which would mark these columns as sorted."""
        return ["-request_count", "mask", "fingerprint"]

    @display(description=_("Cost"), ordering="pico")
    def cost(self, key):
        """List price in USD, and the share of tokens that have no price."""
        share = key.unpriced * 100 / key.token_count if key.token_count else 0
        unpriced = _(" (%(share)s%% of tokens unpriced)") % {"share": f"{share:.0f}"} if share >= 0.5 else ""
        return f"${int(key.pico) / PICO:,.2f}{unpriced}"


@admin.register(Model)
class UsedModelAdmin(Merging, UsageColumns, ModelAdmin):
    """The unpriced first, then the busiest."""

    list_display = ["name", "source", "rates", "requests", "tokens", "last_seen", "listed"]
    actions = [*ModelAdmin.actions, "merge"]
    label = ("model", "name")

    def get_ordering(self, request):
        """Models whose cost is unknown come first."""
        return ["is_priced", "-request_count", "name"]

    @display(description=_("Tokens"), ordering="token_count")
    def tokens(self, model):
        """As CPA counts them."""
        return f"{model.token_count:,}"
