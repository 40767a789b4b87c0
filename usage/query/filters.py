"""The one form that turns query parameters into a UsageFilter; the API and the pages share it."""

import re
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import and_
from typing import NamedTuple

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.db.models.lookups import Exact
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cpa_usage.keys import fingerprint, is_fingerprint
from usage.ingest.cuts import ELSEWHERE
from usage.models import Cut
from usage.models.querysets import SAID, head, said
from usage.query.fields import MomentField, RangeField, RepeatedField, ResultField, StatusField
from usage.time.clock import now_us
from usage.time.periods import LAST_YEAR, BadRange, Period, resolve

TRACE_ID = re.compile(r"\d{14}-[0-9a-f]{16}-([0-9a-f]{8})")
NO_KEY = "unknown"
NOTHING = "(none)"  # what a filter names a label by that is empty, since a blank value is no filter
PAGE_SIZES = (20, 50, 100, 500, 1000)
PAGE_SIZE = 100
FIRST_YEAR = 1970
LAST_PAGE = 10**9  # nobody has as many; a larger number would not fit the database's own
SILENT = Q(Exact(said(), ""))

EXACT = ("auth_index", "provider", "endpoint", "requested_model", "reasoning_effort", "tier")  # columns of Series
LABELS = ("model", "source", "api_key", *EXACT)


OneLabel = tuple[str, tuple[str, ...], bool | None]  # of which totals are kept ready: (Cut.Label, its values, failed)


class Wider(NamedTuple):
    """What one of several labels admits by itself: conditions, its totals, and conditions on what the others refuse."""

    labels: Q
    cut: OneLabel
    refused: Q


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Which events a question is about: a period, conditions on their labels, and on themselves."""

    period: Period
    labels: Q = field(default_factory=Q)
    events: Q = field(default_factory=Q)  # what no total knows
    spoken: bool = False  # only failures with a status or a body pass, of which there is an index
    request_id: str = ""  # whose attempts alone; no total knows that either
    query: tuple = ()  # the parameters as understood, for ETags
    cut: OneLabel | None = None  # where they know all that is asked of labels
    wider: tuple["Wider", ...] = ()  # where more is asked than one label

    @property
    def admits_all(self):
        """Whether every label set passes."""
        return not self.labels

    @property
    def of_silence(self):
        """Whether all failures are asked for that said nothing, of which there is no index."""
        return self.events == SILENT and not self.spoken and not self.request_id

    @property
    def of_events(self):
        """Whether only kept events can answer."""
        return bool(self.events or self.request_id)

    def with_period(self, period):
        """The same conditions over another period."""
        return replace(self, period=period)


def filter_of(request) -> UsageFilter:
    """What a request's parameters ask for; ValidationError names the parameter that will not do."""
    return checked(UsageFilterForm(request.GET)).usage_filter()


def checked(form):
    """The form, valid; ValidationError when it is not."""
    if not form.is_valid():
        raise ValidationError(form.errors.as_data())
    return form


class UsageFilterForm(forms.Form):
    """Parameters of every question about usage."""

    range = RangeField(required=False)
    start = MomentField(required=False)
    end = MomentField(required=False)
    model = RepeatedField(required=False)
    source = RepeatedField(required=False)
    auth_index = forms.CharField(required=False)
    api_key = RepeatedField(required=False)
    result = ResultField(required=False)
    provider = forms.CharField(required=False)
    endpoint = forms.CharField(required=False)
    requested_model = forms.CharField(required=False)
    reasoning_effort = forms.CharField(required=False)
    tier = forms.CharField(required=False)
    status = StatusField(required=False)
    message = forms.CharField(required=False, max_length=SAID, strip=False)
    request_id = forms.CharField(required=False, max_length=255)

    def clean(self):
        """Resolve the period; what is wrong with it is told on the parameter it comes from."""
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
        period = cleaned["period"]
        query = tuple((name, str(cleaned[name])) for name in self.fields if name not in ("range", "start", "end"))
        request_id = request_id_of(cleaned["request_id"]) if cleaned["request_id"] else ""
        spoken = bool(cleaned["status"] or _words(cleaned["message"]))
        labels, result = self._labels(), self._result()
        found = UsageFilter(period, _all(result, *labels.values()), self._events(), spoken, request_id, query)
        if cleaned["result"] == "success" and self._of_failures():  # nothing passes, and no totals are of nothing
            return found
        if len(labels) > 1:
            return replace(found, wider=tuple(self._wider(labels, result)))
        label = next(iter(labels), "")
        return replace(found, cut=self._totals(label)) if label in Cut.Label else found

    def _wider(self, labels, result):
        for label, condition in labels.items():
            if label in Cut.Label:
                others = _all(*(other for name, other in labels.items() if name != label))
                yield Wider(condition & result, self._totals(label), condition & result & ~others)

    def _totals(self, label):
        failed = True if self._of_failures() else {"failed": True, "success": False}.get(self.cleaned_data["result"])
        return label, tuple(dict.fromkeys(map(str, self._values(label)))), failed

    def _values(self, label):
        """What a label is stored as where it is as asked."""
        asked = self.cleaned_data.get(label)
        match label:
            case "":
                return [""]
            case "model":
                return asked
            case "source":
                return sources_of(asked)
            case "api_key":
                return map(key_fingerprint, asked)
            case "status":
                return [asked]
        return [label_of(asked)]

    def _labels(self):
        """Conditions by the label they are on."""
        asked = [name for name in LABELS if self.cleaned_data[name]]
        if self.cleaned_data["status"] is not None:
            asked.append("status")
        return {name: Q(**{f"{ELSEWHERE.get(name, name)}__in": list(self._values(name))}) for name in asked}

    def _result(self):
        """The condition on it; of failures is also what only they have."""
        result = self.cleaned_data["result"]
        asked = Q(failed=result == "failed") if result else Q()
        return asked & Q(failed=True) if self._of_failures() else asked

    def _events(self):
        message = self.cleaned_data["message"]
        if _words(message):
            return Q(Exact(head(), message))
        return SILENT if message.strip() else Q()

    def _of_failures(self):
        """Whether something is asked that only failures have."""
        return self.cleaned_data["status"] is not None or bool(self.cleaned_data["message"].strip())


class PageForm(forms.Form):
    """Which page of events; forgiving about numbers that name no page, not about what is no number."""

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
        """`before` takes the place of the page: what lies below an event has its own first page."""
        cleaned = super().clean()
        if cleaned.get("before"):
            cleaned["page"] = 1
        return cleaned


class YearForm(forms.Form):
    """Which year, and which of its days in detail; None for a blank."""

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


def _all(*conditions):
    return reduce(and_, conditions, Q())


def _words(message):
    """Of a message that is asked for; none of NOTHING and blanks."""
    return label_of(message).strip()


def label_of(text: str) -> str:
    """The label that a value of a filter names."""
    return "" if text == NOTHING else text


def sources_of(texts: list[str]) -> list[str]:
    """What accounts given by name, key or fingerprint are stored as."""
    return [*map(label_of, texts), *map(fingerprint, texts)]


def key_fingerprint(text: str) -> str:
    """The fingerprint of a client key given raw, as its fingerprint, or as `unknown` for none."""
    if text == NO_KEY:
        return ""
    return text.lower() if is_fingerprint(text.lower()) else fingerprint(text)


def request_id_of(text: str) -> str:
    """A request id, also out of a pasted X-CPA-TRACE-ID (time-auth_index-request_id)."""
    text = text.strip()
    trace = TRACE_ID.fullmatch(text)
    return trace.group(1) if trace else text
