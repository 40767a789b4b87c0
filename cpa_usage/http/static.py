"""Static files are collected when they have changed: compressing them takes many seconds, comparing them does not.

A release and an image bring theirs, with a stamp that says so: they are taken as they are, and may be read-only.
"""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

STAMP, RELEASED = "collected", "release\n"
UNUSED = ["redoc"]  # the other docs page that drf-spectacular could show


def collect_changed() -> bool:
    """Collect the files of the apps and static/ unless they equal those collected last. Returns whether it did."""
    stamp = Path(settings.STATIC_ROOT, STAMP)
    collected = stamp.read_text() if stamp.is_file() else ""
    if collected == RELEASED or collected == (current := _digest()):
        return False
    call_command("collectstatic", interactive=False, clear=True, verbosity=0, skip_checks=True, ignore_patterns=UNUSED)
    stamp.write_text(current)  # last: an interrupted collection is repeated
    return True


def _digest():
    """A digest of names, sizes and times of all files; whole seconds, for a container's image keeps no more."""
    digest = hashlib.blake2b(digest_size=16)
    for finder in get_finders():
        for path, storage in finder.list(None):
            found = Path(storage.path(path)).stat()
            digest.update(f"{path}\0{found.st_size}\0{int(found.st_mtime)}\n".encode())
    return digest.hexdigest()
