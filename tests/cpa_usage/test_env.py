"""The environment: what is read, what is kept as a mistake, and the secret that processes share."""

import multiprocessing
import os
import runpy
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import environ
import pytest

from cpa_usage import env as env_module
from cpa_usage.env import Environment, Mistake, kept_secret


@pytest.fixture
def read(monkeypatch):
    """An Environment that knows the variable X alone."""

    def with_x(text):
        monkeypatch.setenv("X", text)
        return Environment(Path("/nonexistent/.env"))

    return with_x


@pytest.fixture
def settings_of(tmp_path):
    """The settings module, run afresh with these variables and no others."""

    def run(**variables):
        variables = {"SQLITE_PATH": str(tmp_path / "app.db"), "LOG_FILE_ENABLED": "false", **variables}
        with patch.dict(os.environ, variables, clear=True), patch.object(environ.Env, "read_env"):
            return runpy.run_path(env_module.__file__.replace("env.py", "settings.py"))

    return run


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30),
        ("10m", 600),
        ("168h", 604_800),
        ("7d", 604_800),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("1.5S", 1.5),
        ("", 10),
    ],
)
def test_a_duration(read, text, seconds):
    env = read(text)
    assert (env.duration("X", "10s"), env.mistakes) == (timedelta(seconds=seconds), [])


@pytest.mark.parametrize("text", ["10", "s", "-1s", "1w", "10 bananas", "0s", "1s1", "inf", "99999999999d"])
def test_a_duration_that_is_none_falls_back_and_is_noted(read, text):
    env = read(text)
    assert env.duration("X", "10s") == timedelta(seconds=10)
    assert env.mistakes == [Mistake("X", f"{text!r} is no duration: set one such as 30s, 10m or 168h.")]


@pytest.mark.parametrize(
    ("text", "value"), [("TRUE", True), ("yes", True), ("On", True), ("1", True), ("false", False), ("0", False)]
)
def test_a_flag(read, text, value):
    env = read(text)
    assert (env.flag("X", not value), env.mistakes) == (value, [])


def test_a_flag_that_is_none_falls_back_and_is_noted(read):
    env = read("maybe")
    assert env.flag("X", True) is True
    assert env.mistakes == [Mistake("X", "'maybe' is neither true nor false: set true or false.")]


@pytest.mark.parametrize(("text", "value"), [("8318", 8318), (" 1 ", 1), ("65535", 65535), ("", 5)])
def test_a_number(read, text, value):
    env = read(text)
    assert (env.number("X", 5, least=1, most=65535), env.mistakes) == (value, [])


@pytest.mark.parametrize("text", ["0", "65536", "-1", "1.0", "0x10", "1e3", "９", "9" * 40])
def test_a_number_that_will_not_do_falls_back_and_is_noted(read, text):
    env = read(text)
    if text == "９":  # a digit of another script reads as what it means
        assert env.number("X", 5, least=1, most=65535) == 9
        return
    assert env.number("X", 5, least=1, most=65535) == 5
    assert env.mistakes == [Mistake("X", f"{text!r} will not do: set a whole number from 1 to 65535.")]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("http://127.0.0.1:8317", "http://127.0.0.1:8317"),
        ("https://cpa.example/base/", "https://cpa.example/base"),
        ("http://[::1]:8317", "http://[::1]:8317"),
        ("", ""),
    ],
)
def test_an_address(read, text, value):
    env = read(text)
    assert (env.url("X"), env.mistakes) == (value, [])


@pytest.mark.parametrize(
    "text", ["127.0.0.1:8317", "ftp://h", "http://", "http://h:port", "http://[::1", "http://u:p@h"]
)
def test_an_address_that_is_none_is_noted_without_being_shown(read, text):
    env = read(text)
    assert env.url("X") == ""
    assert env.mistakes == [Mistake("X", "this is no address: set one such as http://127.0.0.1:8317.")]


def test_a_choice_in_any_letter_case(read):
    env = read("POP")
    assert (env.choice("X", "auto", ("auto", "pop")), env.mistakes) == ("pop", [])


def test_a_choice_there_is_not(read):
    env = read("push")
    assert env.choice("X", "auto", ("auto", "pop")) == "auto"
    assert env.mistakes == [Mistake("X", "'push' is unknown: set one of auto, pop.")]


@pytest.mark.parametrize("text", ["Mars/Base", "../etc/passwd", "Asia", "UTC+8"])
def test_a_time_zone_there_is_not(read, text):
    env = read(text)
    assert (env.zone("X", "UTC"), env.zone("Y", "Asia/Shanghai")) == ("UTC", "Asia/Shanghai")
    assert env.mistakes == [Mistake("X", f"{text!r} is no time zone: set one such as Asia/Shanghai.")]


def test_an_address_of_a_database_that_is_none_is_noted_without_its_password(read):
    env = read("mysql://root:secret@h/d")
    assert env.database("X") == {}
    assert env.mistakes == [Mistake("X", "this is no PostgreSQL address: set postgres://user:password@host:port/name.")]


def test_a_file_of_variables_fills_what_the_environment_leaves_open(tmp_path, monkeypatch):
    monkeypatch.setenv("X_SET", "environment")
    monkeypatch.delenv("X_OPEN", raising=False)
    (tmp_path / ".env").write_text("X_SET=file\nX_OPEN='from the file'\n")
    with patch.dict(os.environ):
        env = Environment(tmp_path / ".env")
        assert (env.text("X_SET"), env.text("X_OPEN")) == ("environment", "from the file")


def test_lines_of_the_file_that_do_not_read_are_named_by_number(tmp_path, capfd):
    lines = ["\ufeffexport X_FIRST=1", "# a comment", "", "X_SPACED = hush", "hush", "X_LAST=a=b#c"]
    (tmp_path / ".env").write_text("\n".join(lines))
    with patch.dict(os.environ):
        env = Environment(tmp_path / ".env")
        assert (env.text("X_FIRST"), env.text("X_SPACED"), env.text("X_LAST")) == ("1", "", "a=b#c")
    sentence = "line {} does not read: write NAME=value, without blanks."
    assert env.mistakes == [Mistake(".env", sentence.format(4)), Mistake(".env", sentence.format(5))]
    assert capfd.readouterr() == ("", "")


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / ".env").write_bytes(b"X_LAST=\xff\n")
    assert Environment(tmp_path / ".env").mistakes == [
        Mistake(".env", "this file cannot be read: make it readable, and UTF-8.")
    ]


def test_a_dollar_in_a_password_is_a_dollar(read):
    assert read("$ecret$").text("X") == "$ecret$"


def test_folders_that_cannot_be_made_are_named(settings_of, tmp_path):
    (tmp_path / "file").write_text("")
    made = settings_of(
        SQLITE_PATH=str(tmp_path / "file/app.db"), LOG_DIR=str(tmp_path / "file/logs"), LOG_FILE_ENABLED="true"
    )
    assert [m.variable for m in made["CONFIGURATION_MISTAKES"]] == ["SQLITE_PATH", "SECRET_KEY", "LOG_DIR"]


def test_another_file_of_variables_can_be_named(tmp_path):
    (tmp_path / "other").write_text("APP_PORT=9999\n")
    variables = {"ENV_FILE": str(tmp_path / "other"), "SQLITE_PATH": str(tmp_path / "app.db")}
    with patch.dict(os.environ, {**variables, "LOG_FILE_ENABLED": "false"}, clear=True):
        assert runpy.run_path(env_module.__file__.replace("env.py", "settings.py"))["APP_PORT"] == 9999


@pytest.mark.parametrize(
    ("variable", "bad", "fallback"),
    [
        ("CPA_BASE_URL", "nowhere", ""),
        ("CPA_TIMEOUT", "soon", timedelta(seconds=10)),
        ("METADATA_SYNC_INTERVAL", "1ms", timedelta(seconds=30)),
        ("REDIS_QUEUE_TLS", "perhaps", False),
        ("REDIS_QUEUE_BATCH_SIZE", "0", 1000),
        ("REDIS_QUEUE_IDLE_INTERVAL", "1", timedelta(seconds=1)),
        ("REDIS_QUEUE_ERROR_BACKOFF", "x", timedelta(seconds=10)),
        ("QUEUE_MODE", "push", "auto"),
        ("AUTH_ENABLED", "2", False),
        ("APP_PORT", "http", 8318),
        ("APP_PUBLIC_URL", "usage.example", ""),
        ("STORAGE_DRIVER", "mysql", "sqlite"),
        ("USAGE_RETENTION_DAYS", "-2", 30),
        ("AUTH_SESSION_TTL", "1s", timedelta(hours=168)),
        ("LOG_LEVEL", "loud", "INFO"),
        ("LOG_FILE_ENABLED", "?", True),
        ("LOG_RETENTION_DAYS", "a week", 7),
        ("CPA_USAGE_PROCESS", "qcluster", "web"),
    ],
)
def test_a_bad_variable_is_named_and_falls_back(settings_of, tmp_path, variable, bad, fallback):
    made = settings_of(**{"LOG_DIR": str(tmp_path / "logs"), variable: bad})
    assert (made[variable], [m.variable for m in made["CONFIGURATION_MISTAKES"]]) == (fallback, [variable])


@pytest.mark.parametrize("days", ["-1", "0"])
def test_days_that_keep_everything(settings_of, days):
    made = settings_of(USAGE_RETENTION_DAYS=days, LOG_RETENTION_DAYS=days)
    kept = (made["USAGE_RETENTION_DAYS"], made["LOG_RETENTION_DAYS"], made["CONFIGURATION_MISTAKES"])
    assert kept == (0, 0, [])


# .env.example of cpa-usage as it was in Go, and the one variable that it read besides.
OF_THE_OLDER_PROGRAM = {
    "CPA_BASE_URL": "http://127.0.0.1:8317",
    "CPA_MANAGEMENT_KEY": "replace-with-your-management-key",
    "CPA_LOG_DIR": "/home/cliproxy/cliproxyapi/logs",
    "LOG_BODY_MAX_BYTES": "8388608",
    "LOG_HEADER_MAX_BYTES": "65536",
    "APP_PORT": "8318",
    "APP_BASE_PATH": "/usage",
    "TZ": "Asia/Shanghai",
    "STORAGE_DRIVER": "sqlite",
    "USAGE_RETENTION_DAYS": "0",
    "REDIS_QUEUE_ADDR": "",
    "REDIS_QUEUE_KEY": "usage",
    "REDIS_QUEUE_BATCH_SIZE": "1000",
    "REDIS_QUEUE_IDLE_INTERVAL": "1s",
    "REDIS_QUEUE_ERROR_BACKOFF": "10s",
    "METADATA_SYNC_INTERVAL": "30s",
    "REQUEST_TIMEOUT": "30s",
    "AUTH_ENABLED": "false",
    "LOGIN_PASSWORD": "",
    "AUTH_SESSION_TTL": "168h",
    "AUTH_COOKIE_NAME": "another",
    "LOG_LEVEL": "warn",
    "LOG_RETENTION_DAYS": "7",
}


def test_the_variables_of_the_older_program_are_understood_or_named(settings_of):
    made = settings_of(**OF_THE_OLDER_PROGRAM)
    assert made["CONFIGURATION_MISTAKES"] == []
    assert (made["CPA_TIMEOUT"], made["LOG_LEVEL"]) == (timedelta(seconds=30), "WARNING")
    assert set(made["UNUSED_VARIABLES"]) == {
        name for name in OF_THE_OLDER_PROGRAM if name not in made and name not in ("REQUEST_TIMEOUT", "TZ")
    }


def test_a_variable_wins_over_its_older_name(settings_of):
    made = settings_of(CPA_TIMEOUT="5s", REQUEST_TIMEOUT="30s")
    assert made["CPA_TIMEOUT"] == timedelta(seconds=5)


def test_a_mistake_is_named_as_it_was_written(settings_of):
    made = settings_of(REQUEST_TIMEOUT="soon")
    assert [mistake.variable for mistake in made["CONFIGURATION_MISTAKES"]] == ["REQUEST_TIMEOUT"]


def test_defaults(settings_of):
    made = settings_of()
    assert made["CONFIGURATION_MISTAKES"] == []
    assert {
        name: made[name]
        for name in (
            "CPA_BASE_URL",
            "CPA_MANAGEMENT_KEY",
            "REDIS_QUEUE_ADDR",
            "REDIS_QUEUE_TLS",
            "REDIS_QUEUE_KEY",
            "QUEUE_MODE",
            "AUTH_ENABLED",
            "APP_HOST",
            "APP_PORT",
            "APP_BASE_PATH",
            "FORCE_SCRIPT_NAME",
            "STATIC_URL",
            "COOKIE_PATH",
            "SECURE_COOKIES",
            "ALLOWED_HOSTS",
            "CSRF_TRUSTED_ORIGINS",
            "STORAGE_DRIVER",
            "USAGE_RETENTION_DAYS",
            "TIME_ZONE",
            "LOGIN_PASSWORD",
            "LOG_LEVEL",
            "DEBUG",
        )
    } == {
        "CPA_BASE_URL": "",
        "CPA_MANAGEMENT_KEY": "",
        "REDIS_QUEUE_ADDR": "127.0.0.1:8317",
        "REDIS_QUEUE_TLS": False,
        "REDIS_QUEUE_KEY": "usage",
        "QUEUE_MODE": "auto",
        "AUTH_ENABLED": False,
        "APP_HOST": "127.0.0.1",
        "APP_PORT": 8318,
        "APP_BASE_PATH": "/usage",
        "FORCE_SCRIPT_NAME": "/usage",
        "STATIC_URL": "/usage/static/",
        "COOKIE_PATH": "/usage/",
        "SECURE_COOKIES": False,
        "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]"],
        "CSRF_TRUSTED_ORIGINS": [],
        "STORAGE_DRIVER": "sqlite",
        "USAGE_RETENTION_DAYS": 30,
        "TIME_ZONE": "Asia/Shanghai",
        "LOGIN_PASSWORD": "",
        "LOG_LEVEL": "INFO",
        "DEBUG": False,
    }


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("/usage", "/usage"),
        ("usage", "/usage"),
        ("/usage/", "/usage"),
        (" /a/b/ ", "/a/b"),
        ("", ""),
        ("/", ""),
    ],
)
def test_forms_of_the_base_path(settings_of, text, base):
    made = settings_of(APP_BASE_PATH=text)
    assert (made["APP_BASE_PATH"], made["STATIC_URL"], made["COOKIE_PATH"], made["FORCE_SCRIPT_NAME"]) == (
        base,
        f"{base}/static/",
        f"{base}/",
        base or None,
    )


def test_a_public_address_gives_hosts_origins_and_secure_cookies(settings_of):
    made = settings_of(APP_PUBLIC_URL="https://usage.example:8443", AUTH_ENABLED="true")
    assert (made["ALLOWED_HOSTS"][-1], made["CSRF_TRUSTED_ORIGINS"], made["SECURE_COOKIES"]) == (
        "usage.example",
        ["https://usage.example:8443"],
        True,
    )


def test_another_password_is_another_signing_key(settings_of):
    keys = {
        settings_of(SECRET_KEY=secret, LOGIN_PASSWORD=password)["SIMPLE_JWT"]["SIGNING_KEY"]
        for secret, password in (("a" * 50, "one"), ("a" * 50, "two"), ("b" * 50, "one"))
    }
    assert len(keys) == 3


def _read_secret(start, path, answers):
    start.wait()
    with patch.object(os, "getpid", return_value=1):  # as in containers that share the folder
        secret = kept_secret(path)
    answers.put(secret)


def test_processes_that_start_together_agree_on_one_secret(tmp_path):
    fork = multiprocessing.get_context("fork")
    for round_ in range(5):
        path = tmp_path / str(round_) / "secret_key"
        start, answers = fork.Barrier(8), fork.Queue()
        processes = [fork.Process(target=_read_secret, args=(start, path, answers)) for _ in range(8)]
        for process in processes:
            process.start()
        secrets = {answers.get(timeout=20) for _ in processes}
        for process in processes:
            process.join()
        assert secrets == {path.read_text()}
        assert len(path.read_text()) >= 50
        assert [entry.name for entry in path.parent.iterdir()] == ["secret_key"]
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_kept_secret_stays(tmp_path):
    first = kept_secret(tmp_path / "data" / "secret_key")
    assert kept_secret(tmp_path / "data" / "secret_key") == first
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("text", "networks"),
    [("", []), ("127.0.0.1", ["127.0.0.1/32"]), ("10.1.2.3/8, ::1  fd00::/8", ["10.0.0.0/8", "::1/128", "fd00::/8"])],
)
def test_networks(read, text, networks):
    env = read(text)
    assert ([str(network) for network in env.networks("X")], env.mistakes) == (networks, [])


@pytest.mark.parametrize("text", ["localhost", "127.0.0.1/33", "10.0.0.1 nonsense", "*"])
def test_what_is_no_network_is_noted(read, text):
    env = read(text)
    assert (env.networks("X"), [mistake.variable for mistake in env.mistakes]) == ([], ["X"])


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", []),
        ("self", ["'self'"]),
        (
            "Self, http://127.0.0.1:8317 https://CPA.example.org",
            ["'self'", "http://127.0.0.1:8317", "https://cpa.example.org"],
        ),
    ],
)
def test_origins(read, text, origins):
    env = read(text)
    assert (env.origins("X"), env.mistakes) == (origins, [])


@pytest.mark.parametrize("text", ["cpa.example.org", "https://a.example/path", "https://a.example; script-src *", "*"])
def test_what_is_no_origin_is_noted(read, text):
    env = read(text)
    assert (env.origins("X"), [mistake.variable for mistake in env.mistakes]) == ([], ["X"])


def test_backups_are_made_only_where_a_folder_is_named(settings_of):
    assert settings_of()["BACKUP_DIR"] is None
    assert settings_of(BACKUP_DIR="/srv/backups")["BACKUP_DIR"] == Path("/srv/backups")
