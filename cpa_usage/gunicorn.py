"""Settings of the web server: gunicorn --config python:cpa_usage.gunicorn cpa_usage.wsgi."""

import contextlib
import ctypes
import gc
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cpa_usage.settings")
os.environ.setdefault("CPA_USAGE_PROCESS", "web")

from django.conf import settings

from cpa_usage.http.addresses import dashboard, listening

bind = listening()
worker_class = "cpa_usage.http.worker.Worker"
workers = 1  # caches are per process, and a second one costs 80 MB
threads = 4
worker_connections = 900  # below 1024, which is often the limit of open files
preload_app = False  # reference counts write to the pages shared with the master, so they would soon be in memory twice
graceful_timeout = 3  # seconds that a stop waits for requests in progress
control_socket_disable = True
forwarded_allow_ips = ""  # cpa_usage.http.proxies checks X-Forwarded-*; gunicorn would trust all of this machine
loglevel = settings.LOG_LEVEL.lower().replace("debug", "info")  # at debug it logs each address, which may contain a key
if settings.LOG_FORMAT == "json":
    logconfig_dict = {
        "formatters": {"generic": settings.LOGGING["formatters"]["line"]},
        "loggers": {"gunicorn.error": {"level": loglevel.upper(), "handlers": ["error_console"], "propagate": False}},
    }
if not settings.DATABASE_URL:
    sys.modules["psycopg"] = None  # Django REST framework would load it for fields that are not used here: 9 MB
MALLOC = {-8: 2, -3: 128 * 1024}  # glibc's M_ARENA_MAX and M_MMAP_THRESHOLD: what a flood needed is given back after it


def post_worker_init(worker):
    """Load all pages, and exempt them from garbage collection, which took up to 80 ms."""
    from django.urls import get_resolver

    with contextlib.suppress(AttributeError):  # another C library
        for option, value in MALLOC.items():
            ctypes.CDLL(None).mallopt(option, value)
    _ = get_resolver().url_patterns
    gc.collect()
    gc.freeze()
    worker.log.info("The dashboard is at %s", dashboard())  # logged once requests are answered
