"""python -m cpa_usage.run_processes Procfile: runs its processes until a signal, or until one of them ends."""

import os
import sys
from pathlib import Path

from honcho import manager
from honcho.environ import parse_procfile
from honcho.printer import Printer

manager.KILL_WAIT = 20  # seconds after the first process ends; those that are left are killed then
STOPPED = {130, 143}  # what honcho returns for SIGINT and SIGTERM


class JsonPrinter(Printer):
    """What the processes say as they say it, and nothing of ours, which is no JSON."""

    def write(self, message):
        if message.name != manager.SYSTEM_PRINTER_NAME:
            super().write(message)


def run(procfile: str) -> int:
    """Returns the exit status: 0 after a signal; else that of the process that ended first, 1 when that was 0."""
    together = manager.Manager(JsonPrinter(prefix=False) if os.environ.get("LOG_FORMAT") == "json" else None)
    for name, command in parse_procfile(Path(procfile).read_text()).processes.items():
        # exec: without it the signal would end a shell, not the process
        together.add_process(name, f"exec {command}")
    together.loop()
    return 0 if together.returncode in STOPPED else _status(together.returncode)


def _status(code):
    return 1 if code == 0 else code if code > 0 else 128 - code  # 128 + the signal, as shells report it


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
