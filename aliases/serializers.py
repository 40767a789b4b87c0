"""What the body of a change of aliases may hold."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from cpa_usage.http.fields import TextField
from cpa_usage.keys import is_fingerprint, mask

MOST_ITEMS = 10_000
LONGEST_KEY = 4096
MASKED = gettext_lazy("This is a masked key: send its key_id instead.")


def no_mask(text):
    """Refuses a mask: taken for a raw key, it would name a key that does not exist."""
    if mask(text) == text:
        raise serializers.ValidationError(MASKED)


def is_key_id(text):
    """Refuses a key_id of another form."""
    if not is_fingerprint(text):
        raise serializers.ValidationError(_("A key_id is 64 hexadecimal digits."))


class Said(serializers.Serializer):
    """Whose a key is, and a note; None says nothing, a blank one clears it."""

    owner = TextField(default=None, allow_blank=True, allow_null=True, max_length=255)
    note = TextField(default=None, allow_blank=True, allow_null=True, max_length=1000)


class WhichKey(serializers.Serializer):
    """Which key is meant."""

    api_key = TextField(max_length=LONGEST_KEY, validators=[no_mask], help_text="The key itself, or its key_id.")


class AliasBody(WhichKey, Said):
    """A key's name; a blank one clears it. It is left out where only the owner or the note changes."""

    alias = TextField(max_length=255, allow_blank=True, required=False)

    def validate(self, attrs):
        """Something must be said."""
        if "alias" not in attrs and attrs["owner"] is None and attrs["note"] is None:
            raise serializers.ValidationError({"alias": self.fields["alias"].error_messages["required"]})
        return attrs


class AliasItem(Said):
    """One row of an import; one with a blank key, or with nothing but blanks, is skipped."""

    key_id = TextField(default="", allow_blank=True, allow_null=True, validators=[is_key_id])
    api_key = TextField(default="", allow_blank=True, allow_null=True, max_length=LONGEST_KEY)
    alias = TextField(default="", allow_blank=True, allow_null=True, max_length=255)

    def validate(self, attrs):
        """A mask is allowed together with a key_id only."""
        key = attrs["api_key"]
        if key and not attrs["key_id"] and mask(key) == key:
            raise serializers.ValidationError({"api_key": MASKED})
        return attrs


class AliasFile(serializers.Serializer):
    """An export, ours or the original's, and what to do with names that are not in it."""

    mode = TextField(default="merge", allow_blank=True, allow_null=True)
    items = AliasItem(many=True, max_length=MOST_ITEMS)

    def validate_mode(self, mode):
        """merge or replace, in any letter case; blank is merge."""
        mode = (mode or "merge").lower()
        if mode not in ("merge", "replace"):
            raise serializers.ValidationError(_("Set merge or replace."))
        return mode
