"""The parameters of pages: filters, and choices that only a page has."""

from django.utils.translation import gettext

from usage.query.forms import UsageFilterForm

DEFAULT_RANGE = "7d"


class BadParameter(ValueError):
    """A parameter with a value that is not allowed: its name, and a sentence for the page."""


def filter_form(request) -> UsageFilterForm:
    """The form of the request's filters; sets `request.query` to its parameters, with the default range of pages."""
    query = request.GET.copy()
    if not any(query.get(name, "").strip() for name in ("range", "start", "end")):
        query["range"] = "all" if query.get("request_id") else DEFAULT_RANGE
    for name in [name for name in query if not any(text.strip() for text in query.getlist(name))]:
        del query[name]
    request.query = query
    return UsageFilterForm(query)


def choice(request, name: str, choices, default: str) -> str:
    """A parameter with one of these values; raises BadParameter for any other."""
    chosen = request.GET.get(name) or default
    if chosen not in choices:
        sentence = gettext("Unknown %(name)s: use %(choices)s.") % {"name": name, "choices": ", ".join(choices)}
        raise BadParameter(name, sentence)
    return chosen


def checked(form) -> dict:
    """The values of a form; raises BadParameter for its first error."""
    if form.is_valid():
        return form.cleaned_data
    field, errors = next(iter(form.errors.items()))
    raise BadParameter(field, errors[0])
