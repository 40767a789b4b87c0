"""Names of client keys over HTTP. A key goes in raw or as its fingerprint; only its mask and fingerprint come out."""

from rest_framework.decorators import api_view
from rest_framework.response import Response

from aliases import shapes
from aliases.models import AliasImport, ApiKey
from aliases.serializers import AliasBody, AliasFile, WhichKey
from cpa_usage.http import lists, rest

ABOUT_IMPORT = """All or nothing: the file is checked whole before anything is written. `merge` (the default) keeps
names that are not in the file, `replace` clears them; owners and notes go with names, and a blank one leaves what there
is. The last of several items for one key wins; items with a blank key or nothing to say are skipped. Takes this
product's export (`key_id`) and the original's (raw `api_key`)."""


@rest.described(
    shapes.Aliases, parameters=[lists.ListFields], methods=["GET"], summary="Keys observed or named, the busiest first"
)
@rest.described(shapes.AliasChanged, body=AliasBody, methods=["PUT"], summary="Name a key, say whose it is")
@rest.described(shapes.AliasChanged, parameters=[WhichKey], methods=["DELETE"], summary="Clear a key's name")
@api_view(["GET", "PUT", "DELETE"])
def aliases(request):
    """Client keys and what people call them."""
    if request.method == "PUT":
        return _described(**rest.body_of(request, AliasBody))
    if request.method == "DELETE":
        return _described(**rest.valid(WhichKey, request.query_params.dict()), alias="")
    found = shapes.aliases(lists.query_of(request))
    return rest.answer(request, ("aliases", found), lambda: found)


@rest.endpoint(shapes.AliasExport, summary="All names, for a backup or another installation")
def export(request):
    """All names; keys are given by mask and fingerprint."""
    found = shapes.export()
    return rest.answer(request, ("export", found.items), lambda: found)


@rest.endpoint(AliasImport, "POST", body=AliasFile, summary="Take over names from a file", description=ABOUT_IMPORT)
def import_(request):
    """Names from a file."""
    return Response(ApiKey.objects.import_items(**rest.body_of(request, AliasFile)))


def _described(api_key, **said):
    ApiKey.objects.describe(api_key, **said)
    return Response(shapes.AliasChanged())
