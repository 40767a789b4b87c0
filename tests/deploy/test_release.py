"""scripts/release: the same bytes each time, all that a server needs, and nothing else."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile

import pytest

from tests import PROJECT
from tests.deploy.released import WHEN, pack, snapshot
from tests.served import environment

PERSONAL = {".env": "CPA_MANAGEMENT_KEY=secret", "data/app.db": "", "logs/web.log": "", "untracked": ""}


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """Two releases of the same commit, made in two folders; the first has files of a user's besides those of git."""
    first, second = (tmp_path_factory.mktemp("release") / name for name in ("one", "another"))
    snapshot(first)
    shutil.copytree(first, second, symlinks=True)
    for name, text in PERSONAL.items():
        (first / name).parent.mkdir(exist_ok=True)
        (first / name).write_text(text)
    return pack(first), pack(second)


@pytest.fixture(scope="module")
def unpacked(archives, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(archives[0]) as archive:
        archive.extractall(folder, filter="fully_trusted")
    (top,) = folder.iterdir()
    return top


def test_the_same_commit_gives_the_same_bytes(archives):
    one, another = (hashlib.sha256(archive.read_bytes()).hexdigest() for archive in archives)
    assert one == another
    assert (archives[0].parent / "SHA256SUMS").read_text() == f"{one}  {archives[0].name}\n"


def test_it_holds_what_a_server_needs_and_nothing_else(unpacked):
    assert unpacked.name == f"cpa-usage_{version()}"
    names = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*")}
    tops = {name.split("/")[0] for name in names}
    assert tops == {
        *(".env.example", "CHANGELOG.md", "LICENSE", "Procfile", "README.md", "SHA256SUMS", "cpa-usage-install.sh"),
        *("constraints.txt", "requirements.txt", "manage.py", "aliases", "catalog", "cpa_usage", "pricing", "usage"),
        *("deploy", "docs", "locale", "scripts", "simulator", "static", "staticfiles", "templates", "wheelhouse"),
    }
    assert names >= {"locale/zh_Hans/LC_MESSAGES/django.mo", "scripts/run", "scripts/demo", "staticfiles/collected"}
    assert not [name for name in names if re.search(r"__pycache__|\.(pyc|db|log)$", name)]


def test_its_sums_are_those_of_all_its_files(unpacked):
    sums = (unpacked / "SHA256SUMS").read_text().splitlines()
    files = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()} - {"SHA256SUMS"}
    assert {line.split("  ")[1] for line in sums} == files
    assert subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=unpacked, check=False).returncode == 0


def test_owners_and_times_are_those_of_no_machine(archives):
    with tarfile.open(archives[0]) as archive:
        found = {(entry.uid, entry.gid, entry.uname, oct(entry.mode), entry.mtime) for entry in archive}
    assert {entry[:3] for entry in found} == {(0, 0, "")}
    assert {entry[3] for entry in found} == {"0o755", "0o644"}
    assert len({entry[4] for entry in found}) == 1


def test_changes_that_are_in_no_commit_are_refused(archives):
    folder = archives[1].parent.parent
    with (folder / "README.md").open("a") as readme:
        readme.write("More.\n")
    done = subprocess.run([folder / "scripts/release"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        1,
        "Tracked files are changed, and a release is of a commit: commit them first.\n",
    )


def test_it_is_installed_without_internet_and_starts_on_a_read_only_folder(unpacked, tmp_path):
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    command = [venv / "bin/pip", "install", "--quiet", "--no-index", "--find-links", "wheelhouse"]
    nowhere = {"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull}
    subprocess.run([*command, "-r", "requirements.txt", "-c", "constraints.txt"], cwd=unpacked, env=nowhere, check=True)
    before = listing(unpacked)
    env = environment(tmp_path, "/usage") | {
        "DJANGO_SETTINGS_MODULE": "cpa_usage.settings",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    del env["PYTHONPATH"], env["CPA_USAGE_COMMIT"], env["CPA_USAGE_BUILD_DATE"]
    manage = [venv / "bin/python", unpacked / "manage.py"]
    said = subprocess.run([*manage, "prepare"], env=env, capture_output=True, text=True, check=True).stdout
    assert "Static files" not in said and listing(unpacked) == before
    show = "from cpa_usage.api import OURS; print(OURS.version, OURS.commit, OURS.build_date)"
    shown = subprocess.run([*manage, "shell", "-v0", "-c", show], env=env, capture_output=True, text=True, check=True)
    assert re.fullmatch(rf"{version()} [0-9a-f]{{12}} {WHEN}\n", shown.stdout)


def listing(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def version():
    return re.search(r'__version__ = "(.*)"', (PROJECT / "cpa_usage/__init__.py").read_text())[1]
