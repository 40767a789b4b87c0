"""The doctor's checks of the database, the spool and the modes of private files."""

import os
import shutil
import tempfile
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils import timezone

from cpa_usage.database.versions import wrong_version
from cpa_usage.http.databaseerrors import sentence_of
from usage.models import Lease
from usage.ops.doctor.findings import Finding, verdict

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600


def database():
    """Reachable, of this version, and writable: a row is written and rolled back."""
    try:
        if sentence := wrong_version():
            yield Finding("Database", False, sentence)
            return
        with transaction.atomic():
            Lease.objects.create(name="doctor", until=timezone.now())
            transaction.set_rollback(True)
        yield Finding("Database", True, f"It can be written, and it is up to date ({connection.vendor}).")
    except (DatabaseError, InterfaceError) as error:
        yield Finding("Database", False, f"{sentence_of(error)} It said: {_first_line(error)}")


def spool():
    """Writable, with room for the batches that may have to wait there, and nothing put aside."""
    folder = settings.SPOOL_DIR
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        sentence = f"{folder} cannot be written ({error.strerror}): let this user write there, or set SPOOL_DIR."
        yield Finding("Spool", False, sentence)
        return
    room = f"{free >> 20} MB of room"
    little = f"{folder} has {room}, less than SPOOL_MAX_BYTES: make room, or set less."
    aside = ", ".join(sorted(path.name for path in folder.glob("*.aside"))[:3])
    strange = f"{folder} has what could not be stored and was put aside: {aside}. The drain's log says why."
    wrong = (little if free < settings.SPOOL_MAX_BYTES else "") or (strange if aside else "")
    yield verdict("Spool", wrong, f"{folder} can be written, and has {room}.")


def modes():
    """Only this user may read database, spool, logs, backups and keys."""
    readable = [path for path in _private_paths() if path.stat().st_mode & 0o077]
    names = ", ".join(map(str, readable[:3])) + (f" and {len(readable) - 3} more" if readable[3:] else "")
    wrong = f"Others may read {names}: run manage.py doctor --fix." if readable else ""
    well = "Database, spool, logs, backups and keys are for this user alone."
    yield verdict("Files", wrong, well, lambda: _close(readable))


def _private_paths() -> list[Path]:
    folders = [settings.SPOOL_DIR, settings.LOG_DIR, settings.BACKUP_DIR]
    folders = [folder for folder in folders if folder and folder.is_dir()]
    data = settings.SQLITE_PATH
    files = [*data.parent.glob(f"{data.name}*"), data.parent / "secret_key"]
    files += [path for folder in folders for path in folder.iterdir()]
    return folders + [path for path in files if path.exists()]


def _close(paths):
    for path in paths:
        os.chmod(path, PRIVATE_FOLDER if path.is_dir() else PRIVATE_FILE)


def _first_line(error):
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
