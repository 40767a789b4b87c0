"""The OpenAPI schema: DRF views described by msgspec structs, and one Error for all error replies."""

import inspect
import json
import re

import msgspec
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from msgspec import Struct

from cpa_usage.http.errors import Error

ERRORS = {
    400: "A parameter or the body is not understood; `field` names it.",
    401: "Sign in first.",
    403: "A write from a page of another origin.",
    404: "There is no such thing.",
    409: "It contradicts what is there.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    429: "Too many tries; `Retry-After` says how many seconds to wait.",
    500: "Something went wrong here.",
    502: "CPA refused or is away.",
    503: "The database does not answer.",
}
_REF = "#/components/schemas/{name}"
_described_types = [Error]  # every struct a reply is made of, collected as the views are imported


def described(
    reply=None, *, body=None, parameters=(), errors=(), replies=None, summary=None, description=None, methods=None
):
    """Describe in the OpenAPI schema what an `@api_view` takes and returns; goes above `@api_view`.

    `reply` is a struct type, str for a text, or a list of the media types of a file, `body` a DRF serializer class,
    `parameters` a list of OpenApiParameter and, for those of a query, serializer classes, `errors` the status codes
    beyond those every such view has, `replies` the shapes of those without an Error. A view of several methods is
    described once for each, with `methods=["PUT"]`; the docstring is the default description.
    """

    def decorate(view):
        text = description or inspect.getdoc(view.cls)
        verbs = {verb.upper() for verb in methods or view.cls.http_method_names}
        shapes = dict.fromkeys(sorted({*errors, *_usual_errors(view, body, verbs, parameters)}), Error)
        types = reply if isinstance(reply, list) else ["text/plain" if reply is str else "application/json"]
        shape = str if isinstance(reply, list) else reply
        shown = OpenApiResponse(_schema_of(shape), description=_description_of(shape))
        responses = {(200, media_type): shown for media_type in types}
        if "GET" in verbs and view.cls.permission_classes:  # reads that need a session answer by rest.answer
            responses[304] = OpenApiResponse(None, description="What the client has, by If-None-Match, still holds.")
        for code, shape in (shapes | (replies or {})).items():
            meaning = ERRORS[code] if shape is Error else _description_of(shape)
            responses[code, "application/json"] = OpenApiResponse(_schema_of(shape), description=meaning)
        _allow_head(view)
        return extend_schema(
            request=body,
            responses=responses,
            parameters=list(parameters),
            summary=summary or text.partition("\n")[0],
            description=text,
            methods=methods,
        )(view)

    return decorate


def add_structs(result, generator, request, public):
    """drf-spectacular's postprocessing hook: put the structs that replies refer to among the components."""
    named = set(re.findall(_REF.format(name=r"(\w+)"), json.dumps(result)))
    components = {}
    for shape in _described_types:
        _, needed = msgspec.json.schema_components([shape], ref_template=_REF)
        components |= needed if named & needed.keys() else {}
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    if duplicates := schemas.keys() & components.keys():
        raise ValueError(f"Two shapes share a name in the schema: {', '.join(sorted(duplicates))}")
    schemas.update(sorted(components.items()))
    return result


class Schema(AutoSchema):
    """drf-spectacular's schema of a view, with operations named by method and path: put_pricing_model."""

    def get_operation_id(self):
        """The method and the words of the path: no two operations share them."""
        return "_".join((self.method.lower(), *re.findall(r"\w+", self.path.removeprefix("/api/v1"))))


class SessionTokenScheme(OpenApiAuthenticationExtension):
    """The ways a client shows that it may ask."""

    target_class = "cpa_usage.auth.sessions.SessionTokenAuthentication"
    name = ["session", "bearer", "api_token"]

    def get_security_requirement(self, auto_schema):
        """Any of the three ways will do."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema):
        """The cookie of POST /auth/login, the same token as a bearer, or a token for programs."""
        return [
            {"type": "apiKey", "in": "cookie", "name": "cpa_usage_session"},
            {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            {"type": "http", "scheme": "bearer", "bearerFormat": "cpau_…", "description": "With its scope."},
        ]


def _schema_of(shape):
    if shape not in _described_types:
        _described_types.append(shape)
    (schema,), _ = msgspec.json.schema_components([shape], ref_template=_REF)
    return schema


def _description_of(shape):
    """The first line of a struct's docstring."""
    return inspect.getdoc(shape).partition("\n")[0] if inspect.isclass(shape) and issubclass(shape, Struct) else ""


def _usual_errors(view, body, verbs, parameters):
    """Status codes that every view of its kind may answer."""
    codes = {503}
    if view.cls.permission_classes:
        codes.add(401)
    of_query = (getattr(parameter, "location", OpenApiParameter.QUERY) for parameter in parameters)
    if body or OpenApiParameter.QUERY in of_query:
        codes.add(400)
    if body:
        codes.update((413, 415))
    if {"POST", "PUT", "PATCH", "DELETE"} & verbs:
        codes.add(403)
    return codes


def _allow_head(view):
    """DRF's @api_view refuses HEAD where GET is allowed; HTTP does not."""
    names = view.cls.http_method_names
    if "get" in names and "head" not in names:
        view.cls.head = view.cls.get
        names.append("head")
