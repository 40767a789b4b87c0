"""The web server's settings with little patience, so that tests of its patience are short."""

from cpa_usage.gunicorn import *  # noqa: F403
from cpa_usage.http import worker

worker_connections = 60
worker.HEADER_SECONDS = worker.BODY_SECONDS = worker.STALLED_SECONDS = 2
worker.HELD_BYTES = 5_000_000
