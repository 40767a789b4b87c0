"""The project's settings with an environment of their own: nothing of the machine's reaches a test."""

import os
import re
import tempfile
from pathlib import Path

_home = Path(tempfile.mkdtemp(prefix="cpa-usage-tests-"))
_example = Path(__file__).parent.parent / ".env.example"
for _name in re.findall(r"^#?([A-Z_]+)=", _example.read_text(), re.MULTILINE):
    os.environ.pop(_name, None)
os.environ.update(
    ENV_FILE=os.devnull,
    CPA_BASE_URL="http://127.0.0.1:1",
    CPA_MANAGEMENT_KEY="test-management-key",
    SQLITE_PATH=str(_home / "app.db"),
    SPOOL_DIR=str(_home / "spool"),
    LOG_FILE_ENABLED="false",
    PRICES_URL="",  # nothing of the internet either
    TZ="Asia/Shanghai",
    AUTH_ENABLED="false",
    APP_BASE_PATH="/usage",
    DATABASE_URL=os.environ.get("TEST_DATABASE_URL", ""),
    SECRET_KEY="tests-only-0123456789-abcdefghijklmnopqrstuvwxyz",
)

from cpa_usage.settings import *  # noqa: E402, F403

STATIC_ROOT = _home / "static"  # empty: what was collected for a server is not for tests
STATIC_ROOT.mkdir()
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["*"]
if not DATABASES["default"].get("TEST") and "sqlite" in DATABASES["default"]["ENGINE"]:  # noqa: F405
    DATABASES["default"]["TEST"] = {"NAME": _home / "test.db"}  # noqa: F405  a real file, as in production
