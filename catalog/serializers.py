"""What the body of a change of CPA's switches may hold."""

from rest_framework import serializers

from cpa_usage.http.fields import FlagField


class SwitchBody(serializers.Serializer):
    """What a switch is to be."""

    value = FlagField()
