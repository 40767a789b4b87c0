"""What may come between an installer and its end: a closed terminal, a release that is broken, a kill."""

import os
import re
import signal
from contextlib import contextmanager

from tests.deploy.installation import FOLDER, HOME, MOST_AWAY, migrate_with, summed
from tests.waiting import until


def hung_up(it):
    """The terminal is closed in the middle: the release before runs again, and the journal says why."""
    running = it.container.start(f"/{FOLDER}/cpa-usage_0.3.0/cpa-usage-install.sh")
    said(running, "Backing up")
    running.stdout.close()
    os.killpg(running.pid, signal.SIGHUP)
    journal = "journalctl", "-t", "cpa-usage-install", "-o", "cat"
    # It was interrupted, or, where it had to say the next step just then, a step failed.
    last = re.compile(r"The upgrade to 0\.3\.0 failed: .*\. 0\.2\.0 runs again; no record was lost\.")
    until(lambda: last.search(it.container.run(*journal).stdout), wait=0.2)
    it.is_at_work("0.2.0")
    it.lost_nothing()


def failed_migration(it):
    """The second statement of its migration fails."""
    it.ask()
    done = it.install("0.3.0")
    assert done.returncode == 1
    assert "The database cannot be migrated, and is as it was: table second already exists" in done.stdout
    assert done.stdout.endswith(
        "The upgrade to 0.3.0 failed: the database cannot be made ready. 0.2.0 runs again; no record was lost.\n"
    )
    assert it.ask()["away"] <= MOST_AWAY
    it.is_at_work("0.2.0")
    it.lost_nothing()


@contextmanager
def broken_web(it, reverse=None):
    """What an upgrade to 0.3.0 says that migrates, which `reverse` undoes, and whose web server ends at once."""
    broken = it.home / "releases/0.3.0"
    kept = (broken / "cpa_usage/wsgi.py").read_text()
    (broken / "cpa_usage/wsgi.py").write_text("raise SystemExit(3)\n")
    migrate_with(broken, ["CREATE TABLE third (id INTEGER)"], reverse)
    done = it.container.run(f"{HOME}/releases/0.3.0/cpa-usage-install.sh", "--patience", "5")
    assert done.returncode == 1
    assert "failed: after 5 s " in done.stdout
    yield done.stdout
    (broken / "cpa_usage/wsgi.py").write_text(kept)
    summed(broken)


def failed_health(it):
    """The database is as before, with all records."""
    with broken_web(it) as words:
        assert "is kept as" in words
        it.is_at_work("0.2.0")
        assert it.query("SELECT count(*) FROM sqlite_master WHERE name = 'third'") == 0
        it.lost_nothing()


def failed_health_on_postgresql(it):
    """What it has migrated is undone; where that cannot be, it stays, and says so."""
    with broken_web(it, "DROP TABLE third") as words:
        assert words.endswith("0.2.0 runs again; no record was lost.\n")
        it.is_at_work("0.2.0")
        assert it.query("SELECT to_regclass('third') IS NULL")
        it.lost_nothing()
    with broken_web(it) as words:
        assert "They cannot be undone: Operation " in words
        assert words.endswith("0.2.0 could not use it. See --rollback.\n")
        assert it.current == "releases/0.3.0"
        assert it.query("SELECT count(*) FROM third") == 0
        it.lost_nothing()


def killed_at(it, version, words):
    """Kill the installer, and what it runs, when it says these words."""
    script = f"{HOME}/releases/{version}/cpa-usage-install.sh"
    if not (it.container.root / script[1:]).exists():
        script = f"/{FOLDER}/cpa-usage_{version}/cpa-usage-install.sh"
    running = it.container.start(script)
    said(running, words)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()


def said(running, words):
    """Read what it says until it says these words."""
    assert any(words in line for line in running.stdout), f"it never said {words}"


def killed(it, steps):
    """Run again, it ends well."""
    for words in steps:
        killed_at(it, "0.3.0", words)
    done = it.container.run(f"{HOME}/releases/0.3.0/cpa-usage-install.sh")
    assert done.returncode == 0, done.stdout
    it.is_at_work("0.3.0")
    assert it.query("SELECT count(*) FROM third") == 0
    it.lost_nothing()
