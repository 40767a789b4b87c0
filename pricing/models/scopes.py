"""Which usage a price or an adjustment is for, named as records name it: keys by their fingerprints."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from cpa_usage.keys import account_name, fingerprint_of, looks_like_a_key, mask


class Scope(models.TextChoices):
    """Which usage of a model a price is for."""

    EVERYTHING = "", _("all usage")
    PROVIDER = "provider", _("provider")
    ACCOUNT = "account", _("account")
    API_KEY = "api_key", _("client key")
    SELLER = "seller", _("seller in the catalogue")


# Those that people can give a price or an adjustment of their own.
BY_HAND = [choice for choice in Scope.choices if choice[0] in {Scope.PROVIDER, Scope.ACCOUNT, Scope.API_KEY}]
VALUE_HELP = "Provider or account as requests show it, or a client key, which is kept as its fingerprint."


def value_in(scope: str, text: str) -> str:
    """A provider, account or client key as records name it; a key may be given as it is or by its fingerprint."""
    text = text.strip()
    if scope == Scope.API_KEY and text:
        return fingerprint_of(text)
    if scope in {Scope.PROVIDER, Scope.SELLER}:  # records name these as they are, however many digits they have
        return fingerprint_of(text) if looks_like_a_key(text) else text
    return account_name(text)


def checked_value(scope: str, text: str, field: str) -> str:
    """value_in(); refuses, with ValidationError for the field, a scope without its value, or the mask of a key."""
    text = text.strip()
    if bool(scope) != bool(text):
        raise ValidationError({field: _("Give a provider, an account or a client key together with its kind.")})
    if scope in {Scope.ACCOUNT, Scope.API_KEY} and mask(text) == text:
        raise ValidationError({field: _("This is a masked key: give the key or its fingerprint.")})
    return value_in(scope, text)
