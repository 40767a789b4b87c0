"""The one form that turns query parameters into a UsageFilter; the API and the pages share it."""

import re
from dataclasses import dataclass, field, replace

from django import forms
from django.conf import settings
from django.db.models import Q

from aliases.keys import fingerprint, is_fingerprint
from usage.ingest import now_us
from usage.periods import BadMoment, BadRange, Period, is_range, parse_moment, resolve

TRACE_ID = re.compile(r"\d{14}-[0-9a-f]{16}-([0-9a-f]{8})")
NO_KEY = "unknown"


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Which events a question is about: a period and conditions on their labels."""

    period: Period
    labels: Q = field(default_factory=Q)
    request_id: str = ""
    query: tuple = ()  # the parameters as understood, for ETags

    @property
    def admits_all(self):
        """Whether every label set passes."""
        return not self.labels

    def with_period(self, period):
        """The same conditions over another period."""
        return replace(self, period=period)


class RepeatedField(forms.Field):
    """Every value a parameter was given, blanks dropped."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value):
        """A list of trimmed texts, each once, in order."""
        return list(dict.fromkeys(text.strip() for text in value or () if text.strip()))


class MomentField(forms.CharField):
    """A moment in one of the forms usage.periods.parse_moment reads, as µs since the epoch."""

    def to_python(self, value):
        """None for a blank."""
        text = super().to_python(value)
        try:
            return parse_moment(text, settings.TIME_ZONE) if text else None
        except BadMoment as error:
            raise forms.ValidationError(str(error)) from error


class RangeField(forms.CharField):
    """The name of a range."""

    def validate(self, value):
        """Unknown names are refused."""
        super().validate(value)
        if value and not is_range(value):
            raise forms.ValidationError(
                "Unknown range: use today, a number of hours such as 24h, 2d to 7d, 30d, all or custom."
            )


class UsageFilterForm(forms.Form):
    """Parameters of every question about usage."""

    range = RangeField(required=False)
    start = MomentField(required=False)
    end = MomentField(required=False)
    model = RepeatedField(required=False)
    source = RepeatedField(required=False)
    auth_index = forms.CharField(required=False)
    api_key = RepeatedField(required=False)
    result = forms.ChoiceField(
        choices=[("success", "success"), ("failed", "failed")],
        required=False,
        error_messages={"invalid_choice": "Unknown result: use success or failed."},
    )
    provider = forms.CharField(required=False)
    endpoint = forms.CharField(required=False)
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
            self.add_error(error.field, error.sentence)
        return cleaned

    def usage_filter(self) -> UsageFilter:
        """What the valid form asks for."""
        cleaned = self.cleaned_data
        period = cleaned["period"]
        query = tuple((name, str(cleaned[name])) for name in self.fields if name not in ("range", "start", "end"))
        return UsageFilter(period, self._labels(), _request_id(cleaned["request_id"]), query)

    def _labels(self):
        cleaned, labels = self.cleaned_data, Q()
        if cleaned["model"]:
            labels &= Q(model__name__in=cleaned["model"])
        if cleaned["source"]:
            labels &= Q(source__in=[*cleaned["source"], *map(fingerprint, cleaned["source"])])
        if cleaned["api_key"]:
            labels &= Q(api_key__fingerprint__in=[key_fingerprint(text) for text in cleaned["api_key"]])
        if cleaned["result"]:
            labels &= Q(failed=cleaned["result"] == "failed")
        for name in ("auth_index", "provider", "endpoint"):
            if cleaned[name]:
                labels &= Q(**{name: cleaned[name]})
        return labels


def key_fingerprint(text: str) -> str:
    """The fingerprint of a client key given raw, as its fingerprint, or as `unknown` for none."""
    if text == NO_KEY:
        return ""
    return text.lower() if is_fingerprint(text.lower()) else fingerprint(text)


def _request_id(text):
    """A request id, also out of a pasted X-CPA-TRACE-ID (time-auth_index-request_id)."""
    trace = TRACE_ID.fullmatch(text)
    return trace.group(1) if trace else text
