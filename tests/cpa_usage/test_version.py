"""The version stands in one place, and everything that tells it tells that one; versions of packages stand in two."""

import re
import subprocess
import sys
from importlib.metadata import requires, version

import django
import pytest
from django.conf import settings
from django.test import Client
from packaging.requirements import Requirement

from cpa_usage import __version__
from tests import PROJECT

CONSTRAINTS = (PROJECT / "constraints.txt").read_text()
REQUIREMENTS = (PROJECT / "requirements.txt").read_text()


@pytest.mark.django_db
def test_all_places_tell_the_same_version():
    client = Client()
    assert client.get("/api/v1/ping").json()["version"] == __version__
    assert client.get("/api/v1/version").json()["cpa_usage"]["version"] == __version__
    assert client.get("/api/schema/", headers={"Accept": "application/json"}).json()["info"]["version"] == __version__
    assert re.search(r"<footer.*?</footer>", client.get("/").content.decode(), re.DOTALL)[0].count(__version__) == 1
    assert __version__ == settings.VERSION


def test_the_command_line_tells_it():
    done = subprocess.run(
        [sys.executable, PROJECT / "manage.py", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"cpa-usage {__version__} (Django {django.__version__})\n"


def pinned(text):
    """Package -> the version that a file of requirements names."""
    found = re.findall(r"^([A-Za-z0-9-]+)(?:\[\w+\])?==([\w.]+)", text, re.MULTILINE)
    return {name.lower(): number for name, number in found}


def test_constraints_name_every_package_and_no_other_version():
    assert pinned(REQUIREMENTS).items() <= pinned(CONSTRAINTS).items()
    assert len(pinned(CONSTRAINTS)) == len([line for line in CONSTRAINTS.splitlines() if not line.startswith("#")])
    elsewhere = {"async-timeout"}  # only for older Pythons than some that run the tests
    for name, number in pinned(CONSTRAINTS).items():
        assert name in elsewhere or version(name) == number, name


def test_what_a_constrained_package_asks_for_is_constrained():
    names = pinned(CONSTRAINTS)
    for name in names.keys() - {"async-timeout"}:
        for text in requires(name) or []:
            asked = Requirement(text)
            if asked.marker is None or asked.marker.evaluate({"extra": "", "python_full_version": "3.11.2"}):
                assert asked.name.lower().replace("_", "-") in names, f"{name} asks for {asked}"
