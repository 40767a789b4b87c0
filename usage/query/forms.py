"""The forms that turn query parameters into filters, pages and years; the API and the pages share them."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.paginator import Page, Paginator
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from cpa_usage.http.lists import ListQuery
from usage.models.labels import FAILED, NOT, OWNER, STATUS_CODES, SUCCESS, filtering
from usage.models.querysets import MESSAGE_LENGTH
from usage.query.filters import UsageFilter, conditions, label_value, request_id_of
from usage.query.names import keys_of
from usage.time.clock import now_us
from usage.time.periods import LAST_YEAR, UNKNOWN_RANGE, BadMoment, BadRange, is_range, parse_moment, resolve

PAGE_SIZES = (20, 50, 100, 500, 1000)
PAGE_SIZE = 100
FIRST_YEAR = 1970
ORDERS = ("-time", "-cost", "-tokens", "-latency")  # of events
LAST_PAGE = 10**9  # a larger number would not fit the database's own


def filter_of(request) -> UsageFilter:
    """What a request's parameters ask for; ValidationError names the parameter at fault."""
    return checked(UsageFilterForm(request.GET)).usage_filter()


def checked(form):
    """The form, valid; ValidationError when it is not."""
    if not form.is_valid():
        raise ValidationError(form.errors.as_data())
    return form


class RepeatedField(forms.Field):
    """Every value a parameter was given, blanks dropped."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value):
        """A list of trimmed texts, each once, in order."""
        value = [value] if isinstance(value, str) else value
        return list(dict.fromkeys(text.strip() for text in value or () if text.strip()))

    def run_validators(self, value):
        """Each by itself; no database takes a NUL in a text."""
        for text in value:
            for check in (*self.validators, ProhibitNullCharactersValidator()):
                check(text)


class MomentField(forms.CharField):
    """A moment in one of the forms usage.time.periods.parse_moment reads, as µs since the epoch."""

    def to_python(self, value):
        """None for a blank."""
        text = super().to_python(value)
        try:
            return parse_moment(text, settings.TIME_ZONE) if text else None
        except BadMoment as error:
            raise forms.ValidationError(_(str(error))) from error


def one_of(is_known: Callable[[Any], bool], sentence) -> Callable[[Any], None]:
    """A validator of values that are not blank; refuses others than the known ones with a sentence."""

    def validate(value):
        if not is_known(value):
            raise forms.ValidationError(_(sentence))

    return validate


_STATUS = gettext_noop("A status is a whole number from 100 to 599, or 0 for none.")
_RESULT = gettext_noop("Unknown result: use success or failed.")
CHECKS = {  # of the values of labels
    "result": [one_of({FAILED, SUCCESS}.__contains__, _RESULT)],
    "status": [one_of({"0", *map(str, STATUS_CODES)}.__contains__, _STATUS)],
}


class UsageFilterForm(forms.Form):
    """Parameters of every question about usage; those of labels come from the registry."""

    range = forms.CharField(required=False, validators=[one_of(is_range, UNKNOWN_RANGE)])
    start = MomentField(required=False)
    end = MomentField(required=False)
    message = forms.CharField(required=False, max_length=MESSAGE_LENGTH, strip=False)
    request_id = forms.CharField(required=False, max_length=255)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name, label in filtering().items():
            self.fields[name] = RepeatedField(required=False, validators=CHECKS.get(label.name, ()))

    def clean(self):
        """Resolve the period; an error is reported on the parameter it comes from."""
        cleaned = super().clean()
        if self.errors:
            return cleaned
        start, end = cleaned["start"], cleaned["end"]
        name = cleaned["range"] or ("all" if start is None and end is None else "custom")
        try:
            cleaned["period"] = resolve(name, start, end, now=now_us(), zone=settings.TIME_ZONE)
        except BadRange as error:
            self.add_error(error.field, _(error.sentence))
        return cleaned

    def usage_filter(self) -> UsageFilter:
        """What the valid form asks for."""
        cleaned = self.cleaned_data
        message = label_value(cleaned["message"]) if cleaned["message"].strip() else None
        labels = {name: cleaned[name] for name in filtering() if cleaned[name]}
        if OWNER in labels:
            labels["api_key"] = keys_of(labels.pop(OWNER), labels.get("api_key"))
        if f"{NOT}{OWNER}" in labels:
            labels[f"{NOT}api_key"] = [*keys_of(labels.pop(f"{NOT}{OWNER}")), *labels.get(f"{NOT}api_key", ())]
        if "result" not in labels and (excluded := labels.pop(f"{NOT}result", None)):
            labels["result"] = [result for result in (FAILED, SUCCESS) if result not in excluded]
        if message is not None:  # only failures have one
            labels.setdefault("result", [FAILED])
        if "status" in labels and labels.get("result") == [FAILED]:
            del labels["result"]  # only failures have one: one label is answered from its kept totals
        return UsageFilter(
            cleaned["period"],
            conditions(labels),
            message,
            request_id_of(cleaned["request_id"]),
            tuple((name, str(cleaned[name])) for name in self.fields if name not in ("range", "start", "end")),
        )


class PageForm(forms.Form):
    """Which page of events; a number that names no page is taken for the nearest, other texts are refused."""

    page = forms.IntegerField(required=False, error_messages={"invalid": gettext_lazy("A page is a whole number.")})
    page_size = forms.IntegerField(
        required=False, error_messages={"invalid": gettext_lazy("A page size is a whole number.")}
    )
    before = forms.CharField(required=False)

    def clean_page(self):
        """From 1."""
        return min(max(self.cleaned_data["page"] or 1, 1), LAST_PAGE)

    def clean_page_size(self):
        """One of PAGE_SIZES."""
        size = self.cleaned_data["page_size"]
        return size if size in PAGE_SIZES else PAGE_SIZE

    def clean(self):
        """With `before` the pages are counted from that event, which begins the first."""
        cleaned = super().clean()
        if cleaned.get("before"):
            cleaned["page"] = 1
        return cleaned


class EventsForm(PageForm):
    """Which page of events, and in which order."""

    order = forms.CharField(
        required=False,
        validators=[one_of(ORDERS.__contains__, gettext_noop("Unknown order: use -time, -cost, -tokens or -latency."))],
    )

    def clean(self):
        """Below an event there is the order of time alone."""
        cleaned = super().clean()
        if cleaned.get("before") and cleaned.get("order") not in ("", ORDERS[0], None):
            self.add_error("before", _("With another order than that of time there are pages alone."))
        return cleaned


class ListForm(PageForm):
    """Which page of a list, of the items that a text is found in."""

    q = forms.CharField(required=False, max_length=255)

    def page_of(self, size: int, ask: Callable[[ListQuery], tuple[Any, int]]) -> tuple[Any, Page]:
        """What `ask` finds for the page, so many items each, and that page without its items.

        `ask` also says how many items there are in all: a page past the last is the last.
        """
        page, q = self.cleaned_data["page"], self.cleaned_data["q"]
        found, total = ask(ListQuery(size, (page - 1) * size, q))
        paginator = Paginator(range(total), size)
        if page > paginator.num_pages:
            page = paginator.num_pages
            found, _total = ask(ListQuery(size, (page - 1) * size, q))
        return found, Page((), page, paginator)


class YearForm(forms.Form):
    """A year, and one of its days in detail; None for a blank."""

    year = forms.IntegerField(
        required=False,
        min_value=FIRST_YEAR,
        max_value=LAST_YEAR - 1,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), gettext_lazy("A year is 1970 to 2199.")),
    )
    day = forms.DateField(
        required=False,
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": gettext_lazy("A day is a date such as 2026-11-24.")},
    )

    def clean_day(self):
        """Within the years that can be shown."""
        day = self.cleaned_data["day"]
        if day and not FIRST_YEAR <= day.year < LAST_YEAR:
            raise forms.ValidationError(_("A day lies in the years 1970 to 2199."))
        return day
