"""What a write to CPA's switches may say."""

from rest_framework import serializers


class FlagField(serializers.BooleanField):
    """true or false, and nothing that would have to be turned into one of them."""

    def to_internal_value(self, data):
        """The truth value."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class SwitchBody(serializers.Serializer):
    """What a switch is to be."""

    value = FlagField()
