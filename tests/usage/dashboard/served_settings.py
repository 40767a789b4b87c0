"""The project's settings as a server reads them, with static files collected next to the database."""

from cpa_usage.settings import *  # noqa: F403

STATIC_ROOT = SQLITE_PATH.parent / "static"  # noqa: F405
