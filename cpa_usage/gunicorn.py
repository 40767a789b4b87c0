"""How the web process is served: gunicorn --config python:cpa_usage.gunicorn cpa_usage.wsgi."""

import gc
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cpa_usage.settings")

from django.conf import settings

from cpa_usage.http.addresses import dashboard, listening

bind = listening()
worker_class = "gthread"
workers = 1  # caches are per process, and a second one costs 80 MB
threads = 4
preload_app = False  # what a master loads for its worker is soon in memory twice: counting references writes to it
graceful_timeout = 3  # seconds; a stop waits no longer for replies under way
control_socket_disable = True
forwarded_allow_ips = ""  # cpa_usage.http.proxies judges X-Forwarded-*; gunicorn would believe anybody on this machine
loglevel = settings.LOG_LEVEL.lower().replace("debug", "info")  # at debug it logs each address, whatever is in it


def post_worker_init(worker):
    """Load all pages, and let no collection of garbage walk over what stays for ever: it took up to 80 ms."""
    from django.urls import get_resolver

    _ = get_resolver().url_patterns
    gc.collect()
    gc.freeze()
    worker.log.info("The dashboard is at %s", dashboard())  # said when requests are answered, not before
