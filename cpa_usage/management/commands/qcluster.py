"""manage.py qcluster: queue the tasks that are due and run what is queued, one after the other, until it is stopped.

It takes the place of django-q's command of this name, whose cluster is five processes that never give memory back.
"""

import contextlib
import logging
import signal
import time
from multiprocessing import Process, Value
from queue import SimpleQueue

from django.core.management.base import BaseCommand
from django.db import Error, connections
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.monitor import monitor
from django_q.scheduler import scheduler
from django_q.signing import BadSignature, SignedPackage
from django_q.worker import worker

log = logging.getLogger(__name__)

SCHEDULE_SECONDS = 30
GRACE_SECONDS = 30  # for a task to end by itself after its time
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Command(BaseCommand):
    help = "Run the queued and the periodic tasks. SIGTERM and SIGINT finish the task in hand."

    def handle(self, **options):
        self._stopped, self._scheduled, self._broker = False, time.monotonic(), get_broker()
        for number in SIGNALS:
            signal.signal(number, self._stop)
        log.info("The task cluster is running.")
        while not self._stopped:
            self._schedule()
            for key, signed in self._broker.dequeue() or ():
                self._take(key, signed)

    def _stop(self, *_):
        self._stopped = True

    def _schedule(self):
        """Queue what is due, now and then."""
        if time.monotonic() - self._scheduled >= SCHEDULE_SECONDS:
            scheduler(self._broker)
            self._scheduled = time.monotonic()

    def _take(self, key, signed):
        """Run a task of the queue to its end. One that this process does not outlive stays queued, and runs again."""
        try:
            task = SignedPackage.loads(signed) | {"cluster": Conf.CLUSTER_NAME, "ack_id": key}
        except (TypeError, BadSignature):
            log.exception("A task that is not ours was removed from the queue.")
            self._broker.fail(key)
            return
        connections.close_all()  # they cannot be shared with a fork
        process = Process(target=_perform, args=(task, self._broker))
        began = timezone.now()
        process.start()
        self._wait(process, time.monotonic() + task.get("timeout", Conf.TIMEOUT) + GRACE_SECONDS)
        if process.exitcode:  # it left no result: without one it would begin again every hour
            failure = {"success": False, "result": f"Its process ended with status {process.exitcode}."}
            with contextlib.suppress(Error):  # while the database is away it stays queued
                _keep_results(self._broker, task | failure | {"started": began, "stopped": timezone.now()})

    def _wait(self, process, until):
        while process.is_alive():
            process.join(1)
            self._schedule()
            if time.monotonic() > until:
                process.kill()


def _perform(task, broker):
    """In a process of its own, so that all its memory is given back: run it, and keep the result."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # a stop waits for it
    tasks, results = SimpleQueue(), SimpleQueue()
    for each in (task, "STOP"):
        tasks.put(each)
    worker(tasks, results, Value("f", -1))
    _keep_results(broker, *(results.get() for _ in range(results.qsize())))
    connections.close_all()


def _keep_results(broker, *ended):
    results = SimpleQueue()
    for each in (*ended, "STOP"):
        results.put(each)
    monitor(results, broker)
