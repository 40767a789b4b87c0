"""The choice among the entries of the catalogue that a model without a price may be."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from cpa_usage.http.errors import BadRequest
from pricing.models import Model
from usage.dashboard.views.manage import changes


@changes("prices")
def choose(request):
    """Price a model by one of its candidates."""
    matched = request.POST.get("matched", "")
    try:
        Model.objects.get(name=request.POST.get("model", "")).choose(matched)
    except Model.DoesNotExist:
        raise BadRequest("model", _("There is no such model.")) from None
    except ValidationError as refusal:
        raise BadRequest("matched", refusal.messages[0]) from None
    return _("It is priced as %(entry)s, and history is costed again.") % {"entry": matched}
