"""manage.py prepare: what a start does, and the one sentence when it cannot."""

import io
import socket
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django_q.models import Schedule

from cpa_usage.http.addresses import dashboard, listening
from cpa_usage.management.commands import prepare


@pytest.fixture(autouse=True)
def collected():
    """Static files are collected by a test of their own."""
    with patch.object(prepare, "collect_changed", return_value=False) as done:
        yield done


def said(*arguments):
    out = io.StringIO()
    call_command("prepare", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_it_plans_the_tasks_and_has_nothing_to_say():
    assert said() == ""
    assert Schedule.objects.count() > 0


@pytest.mark.django_db
def test_changed_files_are_told_of(collected):
    collected.return_value = True
    assert said() == "Static files are collected.\n"


def test_a_mistake_is_one_line_and_touches_nothing(settings, collected):
    settings.CPA_BASE_URL = ""
    with pytest.raises(CommandError, match=r"^CPA_BASE_URL is not set: .* try scripts/demo\.$"):
        said()
    collected.assert_not_called()


def test_a_taken_port_is_one_line(settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings.APP_HOST, settings.APP_PORT = taken.getsockname()
        with pytest.raises(CommandError) as refused:
            said("--port")
    assert str(refused.value) == (
        f"Nothing can listen on 127.0.0.1:{settings.APP_PORT} (address already in use): "
        "stop what does already, or set APP_PORT or APP_HOST."
    )


@pytest.mark.parametrize("host", ["nowhere.invalid", "203.0.113.7"])
def test_an_address_that_is_not_this_machines_is_one_line(settings, host):
    settings.APP_HOST = host
    with pytest.raises(CommandError, match=rf"^Nothing can listen on {host}:8318 \([^()]+\): stop .*\.$"):
        said("--port")


def test_a_database_that_is_away_is_one_line():
    away = OperationalError("connection refused\nIs the server running?")
    with (
        patch.object(prepare.Command, "_migrate", side_effect=away),
        pytest.raises(CommandError, match=r"^The database cannot be made ready: connection refused$"),
    ):
        said()


@pytest.mark.parametrize(
    ("changed", "bound", "opened"),
    [
        ({}, "127.0.0.1:8318", "http://127.0.0.1:8318/usage/"),
        ({"APP_HOST": "0.0.0.0", "APP_BASE_PATH": ""}, "0.0.0.0:8318", "http://127.0.0.1:8318/"),
        ({"APP_HOST": "::"}, "[::]:8318", "http://[::1]:8318/usage/"),
        ({"APP_PUBLIC_URL": "https://usage.example"}, "127.0.0.1:8318", "https://usage.example/usage/"),
    ],
)
def test_addresses(settings, changed, bound, opened):
    for name, value in changed.items():
        setattr(settings, name, value)
    assert (listening(), dashboard()) == (bound, opened)


@pytest.mark.sqlite
@pytest.mark.django_db
def test_a_large_file_is_told_with_the_time_it_may_take(monkeypatch, tmp_path):
    assert prepare.expectation() == ""
    file = tmp_path / "large.db"
    with file.open("wb") as large:
        large.truncate(400_000_000)
    monkeypatch.setitem(prepare.connection.settings_dict, "NAME", str(file))
    assert prepare.expectation() == " of 400 MB: each that rewrites it takes about 20 s"


@pytest.mark.sqlite
def test_a_disk_without_room_to_migrate_is_one_line(monkeypatch, tmp_path):
    file = tmp_path / "app.db"
    monkeypatch.setitem(prepare.connection.settings_dict, "NAME", file)
    prepare.require_room()  # of a database that is not there yet
    with file.open("wb") as large:
        large.truncate(4_000_000)
    monkeypatch.setattr(prepare.shutil, "disk_usage", lambda folder: SimpleNamespace(free=5_200_000))
    prepare.require_room()
    monkeypatch.setattr(prepare.shutil, "disk_usage", lambda folder: SimpleNamespace(free=5_199_999))
    with pytest.raises(
        CommandError,
        match=r"^The database has 4 MB, to migrate it may take 5 MB more, and its disk has 5 MB left: make room\.",
    ):
        prepare.require_room()
