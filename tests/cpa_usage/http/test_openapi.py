"""The schema says what the views do."""

import json
import re

import pytest
from django.core.management import call_command
from django.test import Client


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    """The schema as drf-spectacular validates it, without a warning."""
    path = tmp_path_factory.mktemp("schema") / "schema.json"
    call_command("spectacular", "--validate", "--fail-on-warn", "--format=openapi-json", f"--file={path}")
    return json.loads(path.read_text())


def operations(schema):
    return [
        (f"{method} {path}", operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


def refs(value):
    """Every $ref below `value`."""
    if isinstance(value, dict):
        yield from ([value["$ref"]] if isinstance(value.get("$ref"), str) else [])
        for inner in value.values():
            yield from refs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from refs(inner)


def test_every_operation_is_told_apart_and_said_in_words(schema):
    found = operations(schema)
    assert len({operation["operationId"] for _, operation in found}) == len(found)
    assert [name for name, operation in found if not (operation["summary"] and operation["description"])] == []


def test_every_shape_it_names_is_there(schema):
    known = {f"#/components/schemas/{name}" for name in schema["components"]["schemas"]}
    assert set(refs(schema)) - known == set()


def test_what_needs_a_session_says_so(schema):
    open_to_all = {name for name, operation in operations(schema) if "security" not in operation}
    assert open_to_all == {
        "get /api/v1/ping",
        "get /api/v1/version",
        "get /api/v1/auth/session",
        "post /api/v1/auth/login",
        "post /api/v1/auth/logout",
    }
    for name, operation in operations(schema):
        if name not in open_to_all:
            assert operation["security"] == [{"session": []}, {"bearer": []}, {"api_token": []}]
            assert operation["responses"]["401"]["content"]["application/json"]["schema"] == {
                "$ref": "#/components/schemas/Error"
            }


def test_writes_say_what_they_take(schema):
    for name, operation in operations(schema):
        if not name.startswith("get "):
            assert "403" in operation["responses"], name
        if "requestBody" in operation:
            assert {"400", "413", "415"} <= operation["responses"].keys(), name


def test_the_error_has_a_sentence_and_perhaps_a_field(schema):
    error = schema["components"]["schemas"]["Error"]
    assert (error["required"], error["properties"]) == (
        ["error"],
        {"error": {"type": "string"}, "field": {"type": "string"}},
    )


@pytest.mark.django_db
def test_every_address_of_the_schema_asks_for_a_session(schema, settings):
    settings.AUTH_ENABLED = True
    client = Client()
    for name, operation in operations(schema):
        method, path = name.split(" ")
        if "security" in operation:
            reply = client.generic(method.upper(), re.sub(r"\{\w+\}", "7", path))
            assert (reply.status_code, reply.json()) == (401, {"error": "authentication required"}), name
