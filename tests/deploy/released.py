"""Releases of the project as it stands here, committed or not."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests import PROJECT

WHEN = "2026-11-24T04:00:00Z"
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    **{
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "tests"), ("EMAIL", "tests@example.org"), ("DATE", WHEN))
    },
}


def snapshot(folder: Path, change: Callable[[Path], None] = lambda folder: None) -> Path:
    """A repository in `folder` with one commit: the project's files after `change`, at a fixed time."""
    listed = _git(PROJECT, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    for name in filter(None, listed):
        if (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    change(folder)
    _git(folder, "init", "--quiet", "--initial-branch=main")
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message=As it stands")
    (folder / ".venv").symlink_to(PROJECT / ".venv")  # what is installed there is installed here
    return folder


def release(folder: Path, version: str = "", change: Callable[[Path], None] = lambda folder: None, *options) -> Path:
    """The archive of a snapshot in `folder`, for Python 3.11 alone; `version` is another than ours."""

    def changed(copy):
        file = copy / "cpa_usage/__init__.py"
        if version:
            lines = file.read_text().splitlines(keepends=True)
            file.write_text(
                "".join(f'__version__ = "{version}"\n' if "__version__" in line else line for line in lines)
            )
        change(copy)

    return pack(snapshot(folder, changed), *options)


def pack(repository: Path, *options) -> Path:
    """The archive that scripts/release makes of a repository."""
    command = [repository / "scripts/release", "--python", "3.11", *options]
    done = subprocess.run(command, env=os.environ | GIT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return repository / done.stdout.splitlines()[-1]


def _git(folder, *words):
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, env=os.environ | GIT, capture_output=True, text=True, check=True).stdout
