"""Collects the static files when they have changed: compressing them takes seconds, looking at them does not."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

STAMP = "collected"
UNUSED = ["redoc"]  # the other docs page that drf-spectacular could show


class Storage(CompressedManifestStaticFilesStorage):
    """Compresses only what pages link: files with a digest in their names, and no source maps.

    All copies and maps took a minute of a core at the first start, these take a fifth of that.
    """

    def create_compressor(self, **options):
        return Compressor(**{**options, "extensions": (*Compressor.SKIP_COMPRESS_EXTENSIONS, "map")})

    def compress_files(self, paths):
        return super().compress_files(set(self.hashed_files.values()).intersection(paths))


def collect_changed() -> bool:
    """Collect what the apps and static/ hold now, if that is not what was collected last; says whether it did."""
    stamp, wanted = Path(settings.STATIC_ROOT, STAMP), _state()
    if stamp.is_file() and stamp.read_text() == wanted:
        return False
    call_command("collectstatic", interactive=False, clear=True, verbosity=0, skip_checks=True, ignore_patterns=UNUSED)
    stamp.write_text(wanted)  # last: a collection that was cut off is made again
    return True


def _state():
    """A digest of names, sizes and times of all files; whole seconds, for an image of a container keeps no more."""
    digest = hashlib.blake2b(digest_size=16)
    for finder in get_finders():
        for path, storage in finder.list(None):
            found = Path(storage.path(path)).stat()
            digest.update(f"{path}\0{found.st_size}\0{int(found.st_mtime)}\n".encode())
    return digest.hexdigest()
