"""What a Dockerfile does, done step by step in folders, and what `docker run` does with the result."""

import json
import os
import re
import shutil
import signal
import subprocess
from fnmatch import fnmatch
from pathlib import Path

from tests import PROJECT
from tests.deploy.debian import entered
from tests.waiting import until

BASE = "debian:bookworm-slim"
ALONE = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc"]


class Image:
    """The last stage of a Dockerfile: where its root lies and what is written about an image besides its files."""

    def __init__(self, root: Path, environment=(), workdir="/"):
        self.root, self.environment, self.workdir = root, dict(environment), workdir
        self.user, self.entrypoint, self.healthcheck, self.volumes = "0", [], [], []

    @property
    def bytes(self) -> int:
        """The size of all files."""
        done = subprocess.run(["du", "-s", "-B1", "--apparent-size", self.root], capture_output=True, check=True)
        return int(done.stdout.split()[0])

    def run(self, command: str, **environment):
        """RUN: a command of the shell, as root."""
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(
            [*entered(self.root, f"--wd={self.workdir}"), "/bin/sh", "-c", command],
            env=env | self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"


class Build:
    """One build of the project's Dockerfile; `debian(path)` makes the root of its base image.

    Packages of Python come from the folder `wheels`, so that nothing is downloaded twice.
    """

    def __init__(self, dockerfile: Path, home: Path, debian, wheels: Path):
        self._home, self._debian, self._wheels = home, debian, wheels
        self._stages: dict[str, Image] = {}
        self._arguments = {}
        self.image = None
        for instruction, words in _instructions(dockerfile.read_text()):
            getattr(self, f"_{instruction.lower()}")(words)

    def _from(self, words):
        source, _, name = words.partition(" AS ")
        root = self._home / (name or "final")
        if source == BASE:
            self.image = Image(self._debian(root))
        elif source == "scratch":
            root.mkdir()
            self.image = Image(root)
        else:
            subprocess.run(["cp", "-a", "--reflink=auto", self._stages[source].root, root], check=True)
            self.image = Image(root, self._stages[source].environment, self._stages[source].workdir)
        self._stages[name] = self.image

    def _run(self, words):
        wheels = self.image.root / "wheels"
        shutil.copytree(self._wheels, wheels)
        self.image.run(words, PIP_NO_INDEX="1", PIP_FIND_LINKS="/wheels", **self._arguments)
        shutil.rmtree(wheels)

    def _copy(self, words):
        *sources, target = words.split()
        target = self.image.root / os.path.join(self.image.workdir, target).lstrip("/")
        if sources[0].startswith("--from="):
            stage = self._stages[sources[0].removeprefix("--from=")]
            subprocess.run(["cp", "-a", "-T", f"{stage.root}{sources[1]}", target], check=True)
            return
        for name in _context() if sources == ["."] else sources:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, target / name)

    def _env(self, words):
        for name, value in re.findall(r"(\w+)=(\S*)", words):
            self.image.environment[name] = re.sub(r"\$(\w+)", lambda found: self._arguments[found[1]], value)

    def _arg(self, words):
        self._arguments |= {name: value.strip('"') for name, value in re.findall(r"(\w+)=(\S*)", words)}

    def _workdir(self, words):
        self.image.workdir = words
        (self.image.root / words[1:]).mkdir(parents=True, exist_ok=True)

    def _user(self, words):
        self.image.user = words

    def _volume(self, words):
        self.image.volumes.append(words)

    def _expose(self, words):
        pass

    def _healthcheck(self, words):
        self.image.healthcheck = json.loads(words.partition("CMD ")[2])

    def _entrypoint(self, words):
        self.image.entrypoint = json.loads(words)


def _instructions(text):
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.split(" ", 1)) for line in lines.splitlines() if line]


def _context():
    """Files that .dockerignore lets through, of those that git would track."""
    command = ["git", "-C", str(PROJECT), "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    ignored = [line for line in (PROJECT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    return [
        name
        for name in names
        if (PROJECT / name).is_file() and not any(fnmatch(name, line) or fnmatch(name, f"{line}/*") for line in ignored)
    ]


class Container:
    """`docker run --read-only --tmpfs /tmp -v DATA:/data IMAGE WORDS`, with this machine's network."""

    def __init__(self, image: Image, data: Path, log: Path, *words: str, **environment):
        self._image, self._environment = image, image.environment | environment
        self._log = log
        script = """
            mount --bind "$0" "$0" && mount --bind "$1" "$0/data"
            mount -t proc proc "$0/proc" && mount -t tmpfs tmpfs "$0/tmp" && mkdir -p "$0/dev/shm"
            mount -t tmpfs tmpfs "$0/dev/shm" && mount -o remount,bind,ro "$0" "$0"
            root=$0; shift
            exec unshare --root="$root" "$@"
        """
        with log.open("ab") as output:
            self.popen = subprocess.Popen(
                [*ALONE, script, str(image.root), str(data), *self._command(image, words)],
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _command(self, image, words):
        return [f"--wd={image.workdir}", "--", *self._as_user(), *image.entrypoint, *words]

    def _as_user(self):
        user = self._image.user
        return ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--no-new-privs", "--bounding-set=-all"]

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def _first(self) -> int:
        """The process that has the number 1 within; 0 before there is one."""
        return int(Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children").read_text() or 0)

    def execute(self, *command) -> int:
        """`docker exec`: the command's exit status."""
        inside = ["nsenter", f"--target={self._first}", "--mount", "--pid", "--root", "--wd", "--", *self._as_user()]
        return subprocess.run([*inside, *command], env=self._environment, capture_output=True, check=False).returncode

    def is_healthy(self) -> bool:
        return bool(self._first) and self.execute(*self._image.healthcheck) == 0

    def gets_healthy(self):
        """Wait until it is; raises AssertionError with its words when it ends instead."""
        until(lambda: self.popen.poll() is not None or self.is_healthy(), wait=0.2)
        assert self.popen.poll() is None, self.log

    def stop(self) -> int:
        """`docker stop`: its exit status."""
        if self.popen.poll() is None:
            os.kill(self._first, signal.SIGTERM)
        try:
            return self.popen.wait(60)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            raise
