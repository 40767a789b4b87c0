"""A small disk for one folder, to fill and to free."""

import contextlib
import os
import resource
import subprocess

import pytest


class SmallDisk:
    """A file system of 8 MB for one folder; where none may be mounted, a limit on the size of a process's files."""

    def __init__(self, folder):
        self.folder = folder
        mount = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", str(folder)]
        self.mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0

    def fill(self, process, limit=0, room=0):
        """No more than `room` bytes are left; `limit`: the size no file may pass instead."""
        if self.mounted:
            with contextlib.suppress(OSError), (self.folder / "filler").open("wb", buffering=0) as filler:
                while True:
                    filler.write(b"\0" * 4096)
            os.truncate(self.folder / "filler", (self.folder / "filler").stat().st_size - room)
        else:
            self._limit(process, limit)

    def free(self, process):
        """Room again."""
        if self.mounted:
            (self.folder / "filler").unlink()
        else:
            self._limit(process, resource.RLIM_INFINITY)

    def unmount(self):
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True)

    @staticmethod
    def _limit(process, size):
        _, most = resource.prlimit(process.popen.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.popen.pid, resource.RLIMIT_FSIZE, (size, most))


@pytest.fixture
def small_disk(tmp_path):
    """A function that puts a folder on a small disk."""
    disks = []

    def put(folder):
        folder.mkdir(exist_ok=True, mode=0o700)
        disks.append(SmallDisk(folder))
        return disks[-1]

    yield put
    for disk in disks:
        disk.unmount()
