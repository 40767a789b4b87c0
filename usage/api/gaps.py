"""Gaps over HTTP: a person dismisses one, or restores it."""

from drf_spectacular.utils import OpenApiParameter
from rest_framework.decorators import api_view
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from cpa_usage.http import rest
from usage.models import Gap
from usage.ops.gaps import GapRow, rows

GAP = {
    "reply": GapRow,
    "parameters": [OpenApiParameter("gap_id", int, OpenApiParameter.PATH, description="The `id` of a gap of /status.")],
    "errors": [404],
}


@rest.described(**GAP, methods=["POST"], summary="Dismiss a gap", description="It stays listed and raises no notice.")
@rest.described(**GAP, methods=["DELETE"], summary="Restore a gap", description="It raises a notice as before.")
@api_view(["POST", "DELETE"])
def dismissal(request, gap_id):
    """The gap as it is now; doing it twice changes nothing."""
    gaps = Gap.objects.filter(pk=gap_id)
    gaps.restore() if request.method == "DELETE" else gaps.dismiss()
    for row in rows(gaps):
        return Response(row)
    raise NotFound("There is no such gap, or it is no longer kept.")
