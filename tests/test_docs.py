"""What the documents claim, read and compared to what is there."""

import ast
import os
import re
import runpy
import subprocess
from datetime import timedelta
from unittest.mock import patch

import environ
import pytest
from drf_spectacular.generators import SchemaGenerator

from cpa_usage.checks import CPA_NEEDS
from tests import PROJECT

CONFIGURATION = (PROJECT / "docs/configuration.md").read_text()
EXAMPLE = (PROJECT / ".env.example").read_text()
DOCUMENTS = ["README.md", "CHANGELOG.md", *sorted(f"docs/{path.name}" for path in (PROJECT / "docs").glob("*.md"))]
READERS = {"text", "flag", "number", "duration", "choice", "url", "database", "networks", "origins", "zone", "secret"}


def variables_read():
    """Names that settings and the API take from the environment."""
    names = set()
    for file in ("cpa_usage/settings.py", "cpa_usage/api.py"):
        for call in (node for node in ast.walk(ast.parse((PROJECT / file).read_text())) if isinstance(node, ast.Call)):
            reader = ast.unparse(call.func)
            if reader == "os.environ.get" or (reader.startswith("env.") and reader[4:] in READERS):
                names.add(call.args[0].value)
    return names


def configuration_table():
    """Variable -> what the document says of its default."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+?) \| .+ \|$", CONFIGURATION, re.MULTILINE)
    return dict(rows)


def example():
    """Variable -> the value shown in .env.example."""
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))


def test_every_variable_is_in_both_lists_and_no_other():
    assert set(example()) == set(configuration_table()) == variables_read()


def test_required_variables_are_called_required():
    assert {name for name, default in configuration_table().items() if default == "required"} == set(CPA_NEEDS)


def test_plain_defaults_are_the_same_in_both_lists():
    shown = example()
    plain = {name: found[1] for name, text in configuration_table().items() if (found := re.match(r"`([^`]*)`", text))}
    others = {"SPOOL_DIR": "spool/"}  # a sentence that begins with a name
    assert {name: shown[name] for name in plain if name not in others} == {
        name: default for name, default in plain.items() if name not in others
    }


@pytest.fixture
def settings_by_default(tmp_path):
    """The settings module without any variable."""
    with patch.dict(os.environ, {"ENV_FILE": os.devnull}, clear=True), patch.object(environ.Env, "read_env"):
        os.environ["SQLITE_PATH"] = str(tmp_path / "app.db")
        os.environ["LOG_FILE_ENABLED"] = "false"
        return runpy.run_path(str(PROJECT / "cpa_usage/settings.py"))


def as_written(value):
    """A setting as a variable would be written."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        return f"{seconds // 3600}h" if seconds % 3600 == 0 else f"{seconds}s"
    return str(value)


def test_documented_defaults_are_those_of_the_settings(settings_by_default):
    names = {name: {"TZ": "TIME_ZONE"}.get(name, name) for name in example()}
    elsewhere = {"SQLITE_PATH", "LOG_FILE_ENABLED", "LOG_DIR", "ENV_FILE", "SPOOL_DIR"}  # chosen above, or folders
    for name, text in configuration_table().items():
        if name not in elsewhere and (found := re.match(r"`([^`]*)`", text)):
            assert as_written(settings_by_default[names[name]]).lower() == found[1].lower(), name


def test_the_api_table_is_the_schema():
    schema = SchemaGenerator().get_schema(request=None, public=True)
    served = {f"{verb.upper()} {path}" for path, verbs in schema["paths"].items() for verb in verbs}
    listed = re.findall(r"^\| `([A-Z]+ /api/[^`]+)` \|", (PROJECT / "docs/api.md").read_text(), re.MULTILINE)
    assert set(listed) == served


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_to_files_lead_somewhere(document):
    text = (PROJECT / document).read_text()
    for target in re.findall(r"\]\((?!https?:)([^)#]*)(?:#[^)]*)?\)", text):
        assert ((PROJECT / document).parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_it_names_exist(document):
    text = (PROJECT / document).read_text()
    for script in re.findall(r"\b(scripts/[a-z-]+|deploy/cpa-usage-install\.sh|\.ci/run)\b", text):
        assert os.access(PROJECT / script, os.X_OK), script
    for command in re.findall(r"manage\.py ([a-z]+)", text):
        found = [*PROJECT.glob(f"*/management/commands/{command}.py")]
        assert found or command in {"createsuperuser", "qcluster"}, command


def test_shell_scripts_parse():
    found = [*PROJECT.glob("scripts/*"), *PROJECT.glob("deploy/*.sh"), PROJECT / ".ci/run"]
    scripts = [path for path in found if path.is_file()]
    shells = [path for path in scripts if path.read_text().startswith("#!/usr/bin/env bash")]
    assert len(shells) >= 7
    for path in shells:
        assert subprocess.run(["bash", "-n", path], check=False).returncode == 0, path


def test_units_run_what_the_procfile_does():
    python = "/home/cliproxy/cpa-usage/current/.venv/bin/python"
    for line in (PROJECT / "Procfile").read_text().splitlines():
        name, _, variable, command = line.split(" ", 3)
        unit = (PROJECT / f"deploy/systemd/cpa-usage-{name.removesuffix(':')}.service").read_text()
        command = command.removeprefix("python ")
        command = f"-m {command}" if command.startswith("gunicorn") else command
        assert f"Environment={variable}\nExecStart={python} {command}\n" in unit
