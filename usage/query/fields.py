"""Fields of the forms that read query parameters: texts to what questions need, or a sentence about what is wrong."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from usage.models.labels import FAILED, STATUS_CODES, SUCCESS
from usage.time.periods import UNKNOWN_RANGE, BadMoment, is_range, parse_moment


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
RangeField = partial(forms.CharField, validators=[one_of(is_range, UNKNOWN_RANGE)])
CHECKS = {  # of the values of labels
    "result": [one_of({FAILED, SUCCESS}.__contains__, _RESULT)],
    "status": [one_of({"0", *map(str, STATUS_CODES)}.__contains__, _STATUS)],
}
