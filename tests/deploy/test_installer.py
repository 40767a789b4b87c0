"""deploy/cpa-usage-install.sh with a real systemd: one from its first day to its last, and one on PostgreSQL."""

import os
import re
import shutil
import signal
import time
from pathlib import Path

import psycopg
import pytest

from tests.deploy.installation import FOLDER, HOME, MOST_AWAY, Installation, another
from tests.deploy.interruptions import (
    failed_health,
    failed_health_on_postgresql,
    failed_migration,
    hung_up,
    killed,
    killed_at,
    said,
)
from tests.deploy.postgresql import run
from tests.deploy.world import KEY, RELEASES_PORT
from tests.waiting import until


def test_from_the_first_day_to_the_last(installation, soak):
    without_python(installation)
    first_install(installation)
    units_are_sound(installation)
    upgrade(installation)
    again(installation)
    there_and_back(installation)
    hung_up(installation)
    failed_migration(installation)
    failed_health(installation)
    killed(installation, ("Backing up", "Migrating", "Replacing the web") if soak else ("Replacing the web",))
    watchdog(installation, "0.3.0")
    roll_back(installation, "0.3.0", "0.2.0")
    leave(installation)


def without_python(it):
    """The advice fits the system; that of Red Hat's family was not followed on one."""
    release = it.container.root / "etc/os-release"
    families = {"ID=debian": "apt install python3 python3-venv", 'ID="rocky"\nID_LIKE="rhel"': "dnf install python3.12"}
    release.unlink()
    for lines, advice in families.items():
        release.write_text(lines)
        done = it.install("0.2.0", "--dry-run", PYTHON="/bin/false")
        assert (done.returncode, done.stdout) == (
            1,
            f"cpa-usage-install: It needs Python 3.11, 3.12 or 3.13 with venv, outside of /home and /root: {advice}\n",
        )
    release.unlink()
    release.symlink_to("../usr/lib/os-release")
    planned = it.install("0.2.0", "--dry-run")
    assert planned.returncode == 0
    assert {line.split()[0] for line in planned.stdout.splitlines()} == {"would:"}
    assert not it.home.exists()


def first_install(it):
    script, url = f"/{FOLDER}/cpa-usage-install.sh", f"http://127.0.0.1:{RELEASES_PORT}"
    done = it.container.run(script, "--url", url, "--version", "0.1.0")
    assert done.returncode == 1, done.stdout
    assert done.stdout.endswith(
        "cpa-usage-install: It is installed, and not started: set CPA_BASE_URL and CPA_MANAGEMENT_KEY in "
        f"{HOME}/.env, then run cpa-usage-install.\n"
    )
    assert "Something listens at 127.0.0.1:8317" in done.stdout
    running = it.container.start("/usr/local/sbin/cpa-usage-install", CPA_MANAGEMENT_KEY=KEY)
    shown = set()
    while running.poll() is None:
        shown |= {line for line in commands() if KEY in line}
    output = running.stdout.read()
    assert (running.returncode, shown) == (0, set()), output
    assert "OK    Key: CPA takes the management key.\n" in output
    assert KEY not in output
    env = it.home / ".env"
    assert (env.stat().st_mode & 0o777, env.owner(), env.read_text().count(KEY)) == (0o600, owner(it), 1)
    assert it.systemctl("is-enabled", "cpa-usage.target", "cpa-usage-drain") == "enabled\nenabled"
    it.ask("go")
    it.is_at_work("0.1.0")


def commands():
    """The command lines of all processes."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue


def owner(it):
    return (it.home / "data").owner()


def units_are_sound(it):
    units = ["cpa-usage-web.service", "cpa-usage-drain.service", "cpa-usage-tasks.service", "cpa-usage.target"]
    verified = it.container.run("systemd-analyze", "verify", *units)
    assert (verified.returncode, verified.stdout) == (0, "")


def upgrade(it):
    for step in ("Installing its packages", "Backing up"):
        killed_at(it, "0.2.0", step)
    assert it.answers() == "0.1.0"
    for older in ("0.0.1", "0.0.2"):
        folder = it.home / "releases" / older
        folder.mkdir()
        (folder / ".installed").touch()
        os.utime(folder / ".installed", (int(older[-1]), int(older[-1])))
    it.ask()
    done = it.install("0.2.0")
    assert done.returncode == 0, done.stdout
    assert "CommandError" not in done.stdout  # of doctor
    assert it.ask()["away"] <= MOST_AWAY
    it.is_at_work("0.2.0")
    assert it.query("SELECT count(*) FROM second") == 0
    assert sorted(path.name for path in (it.home / "releases").iterdir()) == ["0.0.2", "0.1.0", "0.2.0"]
    it.lost_nothing()


def again(it):
    """A release that has migrated the database is installed once more, and knows the one before it still.

    Its packages are gone, as where the system has another Python now; `.env` is everyone's to read; and there are later
    backups than the one of the way back.
    """
    for folder in (it.home / "releases/0.2.0/.venv/lib").glob("python3*/site-packages/django"):
        shutil.rmtree(folder)
    os.chown(it.home / ".env", 0, 0)
    (it.home / ".env").chmod(0o644)
    for number in range(3):
        (it.home / f"backups/before-0.2.0-{number}.db").touch()
    done = it.container.run("/usr/local/sbin/cpa-usage-install")
    assert done.returncode == 0, done.stdout
    it.is_at_work("0.2.0")
    assert ((it.home / ".env").stat().st_mode & 0o777, (it.home / ".env").owner()) == (0o600, owner(it))
    before, backup = (it.home / "releases/0.2.0/.before").read_text().splitlines()
    assert before == "0.1.0" and "before-0.2.0" in backup
    assert (it.container.root / backup[1:]).exists()
    it.lost_nothing()


def there_and_back(it):
    """A release that leaves the database as it is can be left again. Records are taken while the tasks end slowly."""
    another(it.folder / "cpa-usage_0.2.0", "0.2.1")
    assert it.install("0.2.1").returncode == 0
    interrupted = it.container.start("/usr/local/sbin/cpa-usage-install")
    said(interrupted, "Backing up")
    os.killpg(interrupted.pid, signal.SIGTERM)
    assert "0.2.1 runs again; no record was lost." in interrupted.stdout.read()
    it.is_at_work("0.2.1")
    slowly = it.container.root / "etc/systemd/system/cpa-usage-tasks.service.d"
    slowly.mkdir(parents=True)
    (slowly / "slowly.conf").write_text("[Service]\nExecStop=/usr/bin/sleep 10\n")
    it.systemctl("daemon-reload")
    running, most = it.container.start("/usr/local/sbin/cpa-usage-install", "--rollback"), 0
    while running.poll() is None:
        most = max(most, it.ask()["queued"])
        time.sleep(0.2)
    assert (running.returncode, most < 100) == (0, True), (most, running.stdout.read())  # 20 come a second
    shutil.rmtree(slowly)
    it.systemctl("daemon-reload")
    it.is_at_work("0.2.0")
    it.lost_nothing()


def watchdog(it, version):
    """A drain that stands still is replaced."""
    folder = it.container.root / "etc/systemd/system/cpa-usage-drain.service.d"
    folder.mkdir(parents=True)
    (folder / "soon.conf").write_text("[Service]\nWatchdogSec=5\n")
    it.systemctl("daemon-reload")
    it.systemctl("restart", "cpa-usage-drain")
    it.is_at_work(version)
    it.systemctl("kill", "--signal=STOP", "cpa-usage-drain")
    until(lambda: it.systemctl("show", "--value", "--property=NRestarts", "cpa-usage-drain") == "1", wait=0.2)
    shutil.rmtree(folder)
    it.systemctl("daemon-reload")
    it.is_at_work(version)
    it.lost_nothing()


def roll_back(it, new, old):
    """The older cannot read what the newer one has migrated: what the backup lacks is told before it is put back."""
    script = "/usr/local/sbin/cpa-usage-install"
    refused = it.container.run(script, "--rollback")
    assert refused.returncode == 1
    assert f"{new} has changed the database, and {old} cannot read it so." in refused.stdout
    assert re.search(r"[1-9][\d,]* records that were stored since then would be missing", refused.stdout)
    it.is_at_work(new)
    done = it.container.run(script, "--rollback", "--restore-backup")
    assert done.returncode == 0, done.stdout
    it.is_at_work(old)


def leave(it):
    script = f"/{FOLDER}/cpa-usage-install.sh"
    sentence = f"cpa-usage is installed in {HOME}: give --prefix {HOME}, or --uninstall it there first."
    for options in ([], ["--uninstall", "--purge"]):
        done = it.install("0.2.0", "--prefix", "/opt/cpa-usage", *options)
        assert (done.returncode, done.stdout) == (1, f"cpa-usage-install: {sentence}\n")
    word = "/usr/local/bin/cpa-usage"
    report = it.container.run(word, "report", "--json")
    assert report.returncode == 0 and '"total": ' in report.stdout, report.stdout
    assert it.container.run(script, "--uninstall").returncode == 0
    assert not (it.container.root / word[1:]).exists()
    assert it.systemctl("list-unit-files", "cpa-usage*", "--no-legend") == ""
    kept = [".cpa-usage", ".env", ".made-user", "backups", "data", "logs"]
    assert sorted(path.name for path in it.home.iterdir()) == kept
    stored = it.query("SELECT count(*) FROM usage_event")
    done = it.install("0.2.0")
    assert done.returncode == 0, done.stdout
    it.is_at_work("0.2.0")
    assert it.query("SELECT count(*) FROM usage_event") > stored
    assert it.container.run(script, "--uninstall", "--purge").returncode == 0
    assert not it.home.exists()
    assert it.container.run("id", "cliproxy").returncode == 1


# --- On PostgreSQL -------------------------------------------------------------------------------------------------


class OnPostgreSQL(Installation):
    """What is stored is in a server that the container's network reaches."""

    def __init__(self, installation, server):
        super().__init__(installation.container, installation.world)
        self.server = server
        run("pg_ctl", "-D", server.data, "-m", "fast", "-w", "stop")
        server.start("nsenter", "-t", *self.container.leader, "-n")

    def query(self, sql):
        server = {"host": str(self.server.home), "port": self.server.port, "dbname": self.server.database}
        with psycopg.connect(user="cpa", password="tests", **server) as connection:
            return connection.execute(sql).fetchone()[0]


@pytest.fixture
def on_postgresql(installation, servers):
    made = OnPostgreSQL(installation, servers())
    yield made
    made.container.run(f"/{FOLDER}/cpa-usage-install.sh", "--uninstall", "--purge")


def test_an_upgrade_on_postgresql(on_postgresql):
    it = on_postgresql
    script, url = f"/{FOLDER}/cpa-usage-install.sh", f"http://127.0.0.1:{RELEASES_PORT}"
    assert it.container.run(script, "--url", url).returncode == 1  # CPA's key is missing yet
    env = it.home / ".env"
    env.write_text(f"{env.read_text()}DATABASE_URL={it.server.address}\n")
    done = it.container.run("/usr/local/sbin/cpa-usage-install", CPA_MANAGEMENT_KEY=KEY)
    assert done.returncode == 0, done.stdout
    it.ask("go")
    it.is_at_work("0.1.0")
    it.ask()
    it.systemctl("disable", "--now", "cpa-usage-tasks")
    done = it.install("0.2.0")
    assert done.returncode == 0, done.stdout
    assert "It is PostgreSQL, whose backups are yours (pg_dump)." in done.stdout
    assert it.ask()["away"] <= MOST_AWAY
    until(lambda: it.systemctl("is-active", "cpa-usage-drain") == "active")
    assert it.systemctl("is-active", "cpa-usage-tasks") == "inactive"
    it.systemctl("enable", "--now", "cpa-usage-tasks")
    it.is_at_work("0.2.0")
    assert it.query("SELECT count(*) FROM second") == 0
    it.lost_nothing()
    done = it.install("0.3.0")
    assert done.returncode == 1
    assert "0.2.0 runs again; no record was lost." in done.stdout
    assert it.ask()["away"] <= MOST_AWAY
    it.is_at_work("0.2.0")
    assert it.query("SELECT to_regclass('third') IS NULL")
    it.lost_nothing()
    failed_health_on_postgresql(it)
    leave_a_disk(it, script)


def leave_a_disk(it, script):
    """What lies on a disk of its own is removed, and the disk stays."""
    mount = it.container.run("mount", "-t", "tmpfs", "tmpfs", f"{HOME}/backups")
    assert mount.returncode == 0, mount.stdout
    left = it.container.run(script, "--uninstall", "--purge")
    assert left.returncode == 0, left.stdout
    assert f"{HOME}/backups is a disk of its own: it is empty, and stays." in left.stdout
    assert [path.name for path in it.home.iterdir()] == ["backups"]
