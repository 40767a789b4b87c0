"""The form of a new token for programs: the System page and manage.py apitoken share it."""

from datetime import timedelta

from django import forms
from django.utils import timezone

from cpa_usage.models import ApiToken


class TokenForm(forms.Form):
    """What it is for, what it may do, and for how many days; without days it has no end."""

    name = forms.CharField(max_length=100)
    scope = forms.ChoiceField(choices=ApiToken.Scope)
    days = forms.IntegerField(required=False, min_value=1, max_value=36_500)

    def issue(self) -> str:
        """Make the token that the valid form asks for; it cannot be had again."""
        days = self.cleaned_data.pop("days")
        expires_at = timezone.now() + timedelta(days=days) if days else None
        return ApiToken(**self.cleaned_data, expires_at=expires_at).issue()
