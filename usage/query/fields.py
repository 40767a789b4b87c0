"""Fields of the forms that read query parameters: texts to what questions need, or a sentence about what is wrong."""

from django import forms
from django.conf import settings
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from usage.models.labels import STATUS_CODES
from usage.time.periods import UNKNOWN_RANGE, BadMoment, is_range, parse_moment

_STATUS = gettext_lazy("A status is a whole number from 100 to 599, or 0 for none.")


class RepeatedField(forms.Field):
    """Every value a parameter was given, blanks dropped."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value):
        """A list of trimmed texts, each once, in order."""
        return list(dict.fromkeys(text.strip() for text in value or () if text.strip()))

    def run_validators(self, value):
        """No database takes a NUL in a text."""
        for text in value:
            ProhibitNullCharactersValidator()(text)


class MomentField(forms.CharField):
    """A moment in one of the forms usage.time.periods.parse_moment reads, as µs since the epoch."""

    def to_python(self, value):
        """None for a blank."""
        text = super().to_python(value)
        try:
            return parse_moment(text, settings.TIME_ZONE) if text else None
        except BadMoment as error:
            raise forms.ValidationError(_(str(error))) from error


class RangeField(forms.CharField):
    """The name of a range."""

    def validate(self, value):
        """Unknown names are refused."""
        super().validate(value)
        if value and not is_range(value):
            raise forms.ValidationError(_(UNKNOWN_RANGE))


class ResultField(forms.CharField):
    """success or failed."""

    def validate(self, value):
        """Unknown results are refused."""
        super().validate(value)
        if value not in ("", "success", "failed"):
            raise forms.ValidationError(_("Unknown result: use success or failed."))


class StatusField(forms.IntegerField):
    """The status code of a failure, 0 for one that has none."""

    default_error_messages = {"invalid": _STATUS}

    def validate(self, value):
        """Other numbers are no status codes."""
        super().validate(value)
        if value and value not in STATUS_CODES:
            raise forms.ValidationError(_STATUS)
