"""Runs the processes of a Procfile together until a signal or until one of them ends: python -m cpa_usage.together."""

import os
import signal
import sys
from pathlib import Path

from honcho import manager
from honcho.compat import ProcessManager
from honcho.environ import parse_procfile

manager.KILL_WAIT = 10  # seconds from the first one's end until the rest are killed
STOPPED = {130, 143}  # what honcho returns for SIGINT and SIGTERM


class _Mixed(ProcessManager):
    """Asks the main process alone to stop, as systemd's KillMode=mixed does; killing still takes its whole group.

    The task cluster never ends when its children hear SIGTERM from anybody but itself.
    """

    def terminate(self, pid):
        os.kill(pid, signal.SIGTERM)


def run(procfile: str) -> int:
    """The exit status: 0 after a signal; else that of the process that ended by itself, 1 when that was 0."""
    together = manager.Manager()
    together._procmgr = _Mixed()
    for name, command in parse_procfile(Path(procfile).read_text()).processes.items():
        # exec: a shell in between would take the signal and die of it alone
        together.add_process(name, f"exec {command}")
    together.loop()
    return 0 if together.returncode in STOPPED else _status(together.returncode)


def _status(code):
    return 1 if code == 0 else code if code > 0 else 128 - code  # as a shell says it of one that a signal ended


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
