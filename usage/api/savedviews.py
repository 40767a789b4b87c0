"""Saved views over HTTP."""

from drf_spectacular.utils import OpenApiParameter
from msgspec import Struct
from rest_framework.decorators import api_view
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from cpa_usage.http import lists, rest
from usage.models import SavedView
from usage.ops import savedviews

VIEW_ID = OpenApiParameter("view_id", int, OpenApiParameter.PATH, description="The `id` of a row of the list.")


class ViewDeleted(Struct, frozen=True):
    """The view is deleted."""

    ok: bool


@rest.described(savedviews.Views, parameters=[lists.ListFields], methods=["GET"], summary="Views with a name")
@rest.described(savedviews.ViewRow, body=savedviews.ViewBody, methods=["POST"], summary="Keep a view under a name")
@api_view(["GET", "POST"])
def views(request):
    """Pages with their filters, columns and order; saving under a name that exists replaces its view."""
    if request.method == "POST":
        return Response(savedviews.row_of(savedviews.save(**rest.body_of(request, savedviews.ViewBody))))
    found = savedviews.listed(lists.query_of(request))
    return rest.answer(request, ("views", found), lambda: found)


@rest.endpoint(ViewDeleted, "DELETE", parameters=[VIEW_ID], errors=[404], summary="Delete a view")
def view(request, view_id):
    """Delete the view; the page itself is not changed."""
    if not SavedView.objects.filter(pk=view_id).delete()[0]:
        raise NotFound("There is no such view.")
    return Response(ViewDeleted(ok=True))
