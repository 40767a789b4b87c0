"""manage.py drain as a process of its own, working on the test's database, and records for it."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from tests import PROJECT
from tests.usage.made import NOON, record
from tests.waiting import PATIENCE, until

AT_WORK = "The drain is at work"


class Process:
    """A running drain; its log is in `log`. `variables` are the environment's, on top of quick defaults."""

    def __init__(self, cpa, spool: Path, **variables):
        self._log = spool.parent / f"drain-{len(list(spool.parent.glob('drain-*')))}.log"
        with self._log.open("wb") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "manage.py", "drain"],
                cwd=PROJECT,
                env=_environment(cpa, spool) | variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def says(self, words: str):
        """Wait until the log has these words."""
        until(lambda: words in self.log or self.popen.poll() is not None)
        assert words in self.log, self.log

    def kill(self):
        self.popen.kill()
        self.popen.wait()

    def stop(self, number=signal.SIGTERM) -> int:
        """Ask it to end; its exit status."""
        self.popen.send_signal(number)
        return self.popen.wait(PATIENCE)


def _environment(cpa, spool):
    return {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "cpa_usage.settings",
        "ENV_FILE": "/dev/null",
        "CPA_USAGE_PROCESS": "drain",
        "CPA_BASE_URL": cpa.base_url,
        "CPA_MANAGEMENT_KEY": cpa.management_key,
        "SPOOL_DIR": str(spool),
        "LOG_FILE_ENABLED": "false",
        "SECRET_KEY": "tests-only",
        "METADATA_SYNC_INTERVAL": "60s",
        "REDIS_QUEUE_IDLE_INTERVAL": "20ms",
        "REDIS_QUEUE_ERROR_BACKOFF": "50ms",
        **_database(),
    }


def _database():
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return {"SQLITE_PATH": str(found["NAME"])}
    return {"DATABASE_URL": "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**found)}


@contextmanager
def traffic(cpa, rate=300):
    """Records reach the CPA all the time; yields the list of those that did."""
    delivered, ended = [], threading.Event()

    def push():
        while not ended.wait(0.02):
            batch = [record(NOON + (len(delivered) + n) * 1000) for n in range(rate // 50)]
            cpa.push(*batch)
            delivered.extend(batch)

    thread = threading.Thread(target=push)
    thread.start()
    yield delivered
    ended.set()
    thread.join()
