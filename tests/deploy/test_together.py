"""Several containers that start at the same time: each prepares the database, and one of them does it."""

import os
import subprocess
import sys
from contextlib import closing

import psycopg
import pytest

from tests import PROJECT
from tests.served import environment

AT_ONCE = 3
NAMES = "SELECT name FROM django_q_schedule"


def prepared_at_once(tmp_path, **variables):
    """Exit statuses and words of several runs of `manage.py prepare` that begin together."""
    (tmp_path / "collected").write_text("release\n")  # as in an image
    settings = f"from tests.cpa_usage.served_settings import *\nSTATIC_ROOT = {str(tmp_path)!r}\n"
    (tmp_path / "together.py").write_text(settings)
    env = environment(tmp_path, "/usage") | variables | {"DJANGO_SETTINGS_MODULE": "together"}
    env["PYTHONPATH"] += f"{os.pathsep}{tmp_path}"
    command = [sys.executable, "manage.py", "prepare"]
    runs = [
        subprocess.Popen(command, cwd=PROJECT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(AT_ONCE)
    ]
    return [(run.communicate(timeout=300)[1], run.returncode) for run in runs]


def test_on_one_sqlite_file(tmp_path):
    assert prepared_at_once(tmp_path) == [("", 0)] * AT_ONCE


@pytest.fixture
def empty_database(servers):
    """The address of an empty database."""
    server = servers()
    server.query("CREATE DATABASE empty")
    server.database = "empty"
    return server.address


def test_on_one_postgresql_database(tmp_path, empty_database):
    assert prepared_at_once(tmp_path, DATABASE_URL=empty_database) == [("", 0)] * AT_ONCE
    with closing(psycopg.connect(empty_database)) as database:
        names = [name for (name,) in database.execute(NAMES)]
    assert names and len(names) == len(set(names))
