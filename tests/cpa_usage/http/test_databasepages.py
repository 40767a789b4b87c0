"""A database that does not answer: what people and programs are told."""

import logging

import pytest
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError, ProgrammingError
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from cpa_usage.http import errors
from cpa_usage.http.databaseerrors import is_unavailable, sentence_of

handler500 = errors.server_error
DAMAGED = "The database is damaged: restore a backup (manage.py restore)."


def failing(request):
    raise DatabaseError("database disk image is malformed")


def broken(request):
    raise IntegrityError("UNIQUE constraint failed: usage_event.timestamp")


def fine(request):
    return HttpResponse("fine")


urlpatterns = [path("failing", failing), path("api/failing", failing), path("broken", broken), path("fine", fine)]
urlpatterns += [path("", fine, name="overview")]  # the pages of errors lead there


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OperationalError("database is locked"), "The database is locked by another process: try again in a moment."),
        (DatabaseError("database disk image is malformed"), DAMAGED),
        (DatabaseError("file is not a database"), DAMAGED),
        (
            OperationalError("attempt to write a readonly database"),
            "The database cannot be written: its file, folder or server is read-only.",
        ),
        (
            OperationalError("The database is of a newer version (usage.9999_next): install that one."),
            "The database is of a newer version: install that one.",
        ),
        (OperationalError("database or disk is full"), "The disk of the database is full: make room."),
        (
            OperationalError("disk I/O error"),
            "The disk of the database fails or is full: look at the system's log.",
        ),
        (
            OperationalError("no such table: usage_event"),
            "The database is empty or of another version: run manage.py migrate.",
        ),
        (
            ProgrammingError('relation "usage_event" does not exist\nLINE 1: SELECT'),
            "The database is empty or of another version: run manage.py migrate.",
        ),
        (
            OperationalError("unable to open database file"),
            "The database file is missing or cannot be opened: restore a backup, or run manage.py migrate.",
        ),
        (
            OperationalError('connection to server at "db.internal", port 5432 failed: Connection refused'),
            "The database does not answer just now: try again in a moment.",
        ),
        (InterfaceError("connection already closed"), "The database does not answer just now: try again in a moment."),
    ],
)
def test_what_is_said(error, sentence):
    assert (is_unavailable(error), sentence_of(error)) == (True, sentence)


@pytest.mark.parametrize("error", [IntegrityError("x"), DataError("x"), ValueError("locked"), None])
def test_what_says_nothing_about_the_database(error):
    assert is_unavailable(error) is False


@pytest.mark.urls(__name__)
def test_a_page_says_it_and_the_log_holds_a_line(client, caplog):
    with caplog.at_level(logging.ERROR):
        reply = client.get("/failing")
    assert (reply.status_code, reply["Retry-After"], reply["Content-Type"]) == (503, "5", "text/html; charset=utf-8")
    assert DAMAGED in reply.content.decode()
    logged = [r for r in caplog.records if r.name == "cpa_usage.http.errors"]
    assert [(r.levelname, r.getMessage(), r.exc_info) for r in logged] == [
        ("ERROR", "The database does not answer: database disk image is malformed", None)
    ]
    assert not any(record.exc_info for record in caplog.records)


@pytest.mark.urls(__name__)
def test_the_api_says_it_in_json(client):
    reply = client.get("/api/failing")
    assert (reply.status_code, reply.json(), reply["Retry-After"]) == (503, {"error": DAMAGED}, "5")


@pytest.mark.urls(__name__)
def test_a_middleware_that_meets_it_is_no_traceback_either(client, monkeypatch):
    monkeypatch.setattr("django.contrib.messages.middleware.MessageMiddleware.process_request", failing_request)
    reply = client.get("/fine")
    assert (reply.status_code, DAMAGED in reply.content.decode()) == (503, True)


def failing_request(self, request):
    raise DatabaseError("database disk image is malformed")


@pytest.mark.urls(__name__)
def test_a_mistake_of_ours_stays_one(client):
    assert client.get("/broken").status_code == 500
