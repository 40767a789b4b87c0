"""Static files are collected when they have changed: compressing them takes many seconds, comparing them does not.

A release and an image bring theirs, with a stamp that says so: they are taken as they are, and may be read-only.
Those that every page loads are collected into one file a kind, which is two thirds of what they are one by one.
"""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.base import ContentFile
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage

# Their order matters: a later sheet wins where two rules weigh the same.
STYLES = ["theme", "base", "frame", "parts", "pages", "forms", "ranges", "charts", "heat"]
STYLES += ["tables", "request", "screens", "accounts", "print"]
SCRIPTS = ["page", "answers", "keys", "heat", "tables", "filters", "ranges", "dialog", "live", "charts"]
BUNDLES = {
    "usage/pages.css": [f"usage/css/{name}.css" for name in STYLES],
    "usage/pages.js": [f"usage/{name}.js" for name in SCRIPTS],
}
STAMP, RELEASED = "collected", "release\n"
UNUSED = ["redoc"]  # the other docs page that drf-spectacular could show


class BundlingStorage(CompressedManifestStaticFilesStorage):
    """Collected files, and BUNDLES of them."""

    has_bundles = True

    def post_process(self, paths, *args, **options):
        """Add the bundles to the files, before all are named by their content and compressed."""
        for bundle, parts in BUNDLES.items():
            if paths.keys() >= set(parts):
                self.delete(bundle)
                paths[self.save(bundle, ContentFile("\n".join(map(self._text, parts))))] = (self, bundle)
        return super().post_process(paths, *args, **options)

    def _text(self, name):
        with self.open(name) as file:
            text = file.read().decode()
        return f"@media print {{\n{text}}}" if is_for_print(name) else text


def is_for_print(name: str) -> bool:
    """Whether a stylesheet is for paper alone."""
    return name.endswith("/print.css")


def files_of(bundle: str) -> list[str]:
    """The static files that a page loads for one of BUNDLES: itself, or its parts where files are not collected."""
    return [bundle] if hasattr(staticfiles_storage, "has_bundles") else BUNDLES[bundle]


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
