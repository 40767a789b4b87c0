"""Fields of request bodies that accept one JSON type, where DRF's own convert others."""

from rest_framework import serializers


class TextField(serializers.CharField):
    """A JSON string; blanks around it are removed."""

    def to_internal_value(self, data):
        """Refuses numbers, lists and objects."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class FlagField(serializers.BooleanField):
    """JSON true or false."""

    def to_internal_value(self, data):
        """Refuses texts and numbers."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data
