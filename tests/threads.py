"""Changes in several threads at once, as several processes make them."""

from concurrent.futures import ThreadPoolExecutor

from django.db import connection


def at_once(change, times):
    """Run change(i) in threads, each with a connection of its own; its first exception is raised."""

    def run(i):
        try:
            change(i)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(run, range(times)))
