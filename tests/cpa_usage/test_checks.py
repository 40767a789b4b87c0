"""Each mistake of the configuration names its variable."""

import pytest
from django.core.checks import run_checks

from cpa_usage.env import Mistake


def found():
    """Ids and first words of what our own checks say."""
    return [(m.id, m.msg.split(" ")[0].rstrip(":")) for m in run_checks() if m.id.startswith("cpa_usage.")]


def test_a_sound_configuration_is_silent():
    assert found() == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"CPA_BASE_URL": ""}, ("cpa_usage.E002", "CPA_BASE_URL")),
        ({"CPA_MANAGEMENT_KEY": ""}, ("cpa_usage.E002", "CPA_MANAGEMENT_KEY")),
        ({"STORAGE_DRIVER": "postgres", "DATABASE_URL": ""}, ("cpa_usage.E004", "DATABASE_URL")),
        ({"DATABASE_READ_URL": "postgres://…", "DATABASE_URL": ""}, ("cpa_usage.E010", "DATABASE_URL")),
        ({"REDIS_QUEUE_ADDR": "127.0.0.1"}, ("cpa_usage.E005", "REDIS_QUEUE_ADDR")),
        ({"REDIS_QUEUE_ADDR": ":8317"}, ("cpa_usage.E005", "REDIS_QUEUE_ADDR")),
        ({"REDIS_QUEUE_ADDR": "h:0"}, ("cpa_usage.E005", "REDIS_QUEUE_ADDR")),
        ({"REDIS_QUEUE_ADDR": "h:65536"}, ("cpa_usage.E005", "REDIS_QUEUE_ADDR")),
        ({"REDIS_QUEUE_ADDR": "h:²"}, ("cpa_usage.E005", "REDIS_QUEUE_ADDR")),
        ({"AUTH_ENABLED": True, "LOGIN_PASSWORD": ""}, ("cpa_usage.E006", "LOGIN_PASSWORD")),
        ({"APP_HOST": "0.0.0.0"}, ("cpa_usage.W007", "APP_HOST")),
        ({"APP_BASE_PATH": "/us age"}, ("cpa_usage.E008", "APP_BASE_PATH")),
        ({"APP_BASE_PATH": "/größe"}, ("cpa_usage.E008", "APP_BASE_PATH")),
        ({"APP_BASE_PATH": "/a//b"}, ("cpa_usage.E008", "APP_BASE_PATH")),
        ({"APP_BASE_PATH": "/a/../b"}, ("cpa_usage.E008", "APP_BASE_PATH")),
        ({"APP_BASE_PATH": "/api"}, ("cpa_usage.E008", "APP_BASE_PATH")),
        ({"APP_BASE_PATH": "/admin/usage"}, ("cpa_usage.E008", "APP_BASE_PATH")),
    ],
)
def test_a_mistake(settings, changed, expected):
    for name, value in changed.items():
        setattr(settings, name, value)
    assert found() == [expected]


def test_without_a_cpa_one_sentence_names_what_to_set_and_the_demo(settings):
    settings.CPA_BASE_URL = settings.CPA_MANAGEMENT_KEY = ""
    assert [m.msg for m in run_checks() if m.id.startswith("cpa_usage.")] == [
        "CPA_BASE_URL and CPA_MANAGEMENT_KEY are not set: give the address of your CLIProxyAPI, such as "
        "http://127.0.0.1:8317, give the secret-key of CPA's remote-management, in the environment or in .env "
        "(see .env.example); without a CPA, try scripts/demo."
    ]


def test_a_variable_that_did_not_read_is_reported_once(settings):
    settings.CPA_BASE_URL = ""
    settings.CONFIGURATION_MISTAKES = [Mistake("CPA_BASE_URL", "this is no address: set one.")]
    assert found() == [("cpa_usage.E001", "CPA_BASE_URL")]


def test_variables_of_the_older_program_are_named_in_one_warning(settings):
    settings.UNUSED_VARIABLES = ["CPA_LOG_DIR", "AUTH_COOKIE_NAME"]
    assert [(m.id, m.is_serious(), m.msg) for m in run_checks() if m.id.startswith("cpa_usage.")] == [
        (
            "cpa_usage.W009",
            False,
            "Some variables change nothing here and can be removed. CPA_LOG_DIR: logs of requests come from CPA "
            "itself, at CPA_BASE_URL; AUTH_COOKIE_NAME: the cookie's name is fixed; set APP_BASE_PATH, which is its "
            "path, to tell two cookies apart.",
        )
    ]


@pytest.mark.parametrize("base", ["", "/usage", "/a/b-c_d.e~f", "/apiary"])
def test_base_paths_that_will_do(settings, base):
    settings.APP_BASE_PATH = base
    assert found() == []


@pytest.mark.parametrize("changed", [{"APP_HOST": "0.0.0.0", "AUTH_ENABLED": True, "LOGIN_PASSWORD": "x"}])
def test_an_open_address_with_a_login_is_fine(settings, changed):
    for name, value in changed.items():
        setattr(settings, name, value)
    assert found() == []
