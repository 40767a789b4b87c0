"""An installation by deploy/cpa-usage-install.sh in a container, and releases to install."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests import PROJECT
from tests.deploy.released import release
from tests.waiting import until

INSTALLER = PROJECT / "deploy/cpa-usage-install.sh"
HOME = "/home/cliproxy/cpa-usage"
FOLDER = "opt/releases"
MIGRATION = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("aliases", "{last}")]
    operations = [migrations.RunSQL(statement, {reverse!r}) for statement in {statements}]
"""
MOST_AWAY = 5  # seconds of an upgrade in which the page may not answer


class Installation:
    """What the installer made in a container, and the world around it."""

    def __init__(self, container, world):
        self.container, self.world = container, world
        self.home = container.root / HOME[1:]
        self.folder = container.root / FOLDER

    def install(self, version, *options, **variables):
        """Run the installer of an unpacked release."""
        return self.container.run(f"/{FOLDER}/cpa-usage_{version}/cpa-usage-install.sh", *options, **variables)

    def ask(self, line="") -> dict:
        self.world.stdin.write(f"{line}\n")
        return json.loads(self.world.stdout.readline())

    def systemctl(self, *words) -> str:
        return self.container.run("systemctl", *words).stdout.strip()

    @property
    def current(self) -> str:
        return os.readlink(self.home / "current")

    def query(self, sql):
        with closing(sqlite3.connect(self.home / "data/app.db", timeout=20)) as database:
            return database.execute(sql).fetchone()[0]

    def answers(self) -> str:
        """The version that the web server says."""
        words = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8318/usage/api/v1/ping').read())"
        return re.search(r'"version":"([^"]+)"', self.container.run("python3", "-c", words).stdout)[1]

    def lost_nothing(self):
        """All that CPA has written is stored, once."""
        pushed = self.ask("rest")["pushed"]
        until(lambda: self.query("SELECT count(*) FROM usage_event") >= pushed)
        assert self.query("SELECT count(*) FROM usage_event") == pushed
        self.ask("go")

    def is_at_work(self, version):
        assert (self.current, self.answers()) == (f"releases/{version}", version)
        for unit in ("web", "drain", "tasks"):
            until(lambda unit=unit: self.systemctl("is-active", f"cpa-usage-{unit}") == "active")
        stored = self.query("SELECT count(*) FROM usage_event")
        until(lambda: self.query("SELECT count(*) FROM usage_event") > stored)


def another(folder: Path, version: str, *statements: str) -> Path:
    """The release in `folder` as a later version, with a migration of these statements if there are any."""
    made = folder.with_name(f"cpa-usage_{version}")
    shutil.copytree(folder, made, symlinks=True)
    file = made / "cpa_usage/__init__.py"
    file.write_text(re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', file.read_text()))
    if statements:
        migrate_with(made, statements)
    else:
        summed(made)
    return made


def migrate_with(folder: Path, statements, reverse: str | None = None):
    """Its last migration runs these statements, and can be undone by `reverse`."""
    migrations = folder / "aliases/migrations"
    ours = migrations / f"9{folder.name[-5:].replace('.', '')}_later.py"
    last = max(path.stem for path in migrations.glob("[0-9]*.py") if path != ours)
    ours.write_text(MIGRATION.format(last=last, statements=list(statements), reverse=reverse))
    summed(folder)


def summed(folder: Path):
    """As scripts/release does."""
    marks = "! -name .before ! -name .installed ! -name .finished"  # of the installer
    names = f"find . -type f ! -name SHA256SUMS ! -path './.venv/*' ! -name '*.pyc' {marks}"
    subprocess.run(["sh", "-c", f"{names} | xargs sha256sum >SHA256SUMS"], cwd=folder, check=True)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """The release of what is here."""
    return release(tmp_path_factory.mktemp("release") / "tree", "0.1.0")


@pytest.fixture(scope="module")
def unpacked(archive, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["tar", "-xzf", archive, "-C", folder], check=True)
    return folder / "cpa-usage_0.1.0"


@pytest.fixture
def installation(container, archive, unpacked):
    """The machine before the first day: CPA runs, and releases can be had from a server."""
    folder = container.root / FOLDER
    shutil.copytree(archive.parent, folder / "download/v0.1.0")
    (folder / "latest").mkdir()
    (folder / "latest/download").symlink_to("../download/v0.1.0")
    second = another(unpacked, "0.2.0", "CREATE TABLE second (id INTEGER)")
    third = another(second, "0.3.0", "CREATE TABLE third (id INTEGER)", "CREATE TABLE second (id INTEGER)")
    for made in (second, third):
        shutil.move(made, folder / made.name)
    shutil.copy(INSTALLER, folder)
    world = container.run_here("tests.deploy.world", folder)
    world.stdout.readline()
    yield Installation(container, world)
    world.kill()
    world.wait()
    shutil.rmtree(folder)
