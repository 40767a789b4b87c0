"""Debian 12 in a folder, as the image debian:bookworm-slim has it: made once a run, and copied for each who asks."""

import contextlib
import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

MIRROR = "http://deb.debian.org/debian"
# What the slim images leave out, now and in what is installed later.
LEFT_OUT = ["/usr/share/doc", "/usr/share/groff", "/usr/share/info", "/usr/share/locale", "/usr/share/man"]
# What apt downloaded and made of it is not kept.
CLEAN = """DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"""
NO_SERVICES = "#!/bin/sh\nexit 101\n"
APT = {"DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


@pytest.fixture(scope="session")
def debian_root(tmp_path_factory):
    """A function that makes a Debian in the folder `path`, with `packages` installed, and returns its path.

    Workers of pytest-xdist share one base; who uses it last removes it.
    """
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        pytest.skip("debootstrap is not installed" if os.geteuid() == 0 else "only root can make another root folder")
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    base = shared / "debian"
    with (shared / "debian.users").open("w") as users:
        with _alone(shared):
            fcntl.flock(users, fcntl.LOCK_SH)
            if not base.is_dir():
                _make(base)
        yield lambda path, *packages: _copy(base, path, packages)
        with _alone(shared), contextlib.suppress(BlockingIOError):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(base, ignore_errors=True)


@contextlib.contextmanager
def _alone(folder):
    with (folder / "debian.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(base):
    draft = base.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    _done("debootstrap", "--variant=minbase", "bookworm", draft, MIRROR)
    for folder in LEFT_OUT:
        shutil.rmtree(draft / folder[1:], ignore_errors=True)
    excluded = "".join(f"path-exclude {folder}/*\n" for folder in LEFT_OUT)
    (draft / "etc/dpkg/dpkg.cfg.d/docker").write_text(excluded)
    (draft / "etc/apt/apt.conf.d/docker-clean").write_text(CLEAN)
    for name in ("cache/apt/archives", "lib/apt/lists"):
        shutil.rmtree(draft / "var" / name)
        (draft / "var" / name / "partial").mkdir(parents=True)
    draft.rename(base)


def _copy(base, path, packages):
    _done("cp", "-a", "--reflink=auto", base, path)
    if packages:
        refusal = path / "usr/sbin/policy-rc.d"  # nothing starts while it is installed
        refusal.write_text(NO_SERVICES)
        refusal.chmod(0o755)
        install = "apt-get -qq update && apt-get -qq -y install --no-install-recommends"
        _done(*entered(path), "/bin/sh", "-c", f"{install} {' '.join(packages)}", env=APT)
        refusal.unlink()
    return path


def entered(root: Path, *options: str) -> list[str]:
    """The words before a command that run it with `root` as its root, with mounts and processes of its own.

    `options` are further ones of unshare, such as --setuid=1000. It ends with the process that started it.
    """
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--root={root}", "--mount-proc", *options, "--"]


def _done(*command, env=None):
    """Run a command to its end; raises AssertionError with what it said when it fails."""
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
