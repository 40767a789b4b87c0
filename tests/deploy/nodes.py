"""What a test of several nodes has run on them: tasks that write down that they ran, and what makes them due.

python -m tests.deploy.nodes queue|slow|schedule COUNT makes so many of them; with the word due it makes tasks of the
schedules that are due, as each cluster does every 30 seconds.
"""

import os
import sys
import time


def ran(name, seconds=0):
    """A task: a line in the file NODES_LOG when it begins."""
    with open(os.environ["NODES_LOG"], "a") as log:
        log.write(f"{name}\n")
    time.sleep(seconds)


def main(what, count=0):
    import django

    django.setup()
    from django.utils import timezone
    from django_q.scheduler import scheduler
    from django_q.tasks import async_task, schedule

    task = f"{__spec__.name}.ran"
    for number in range(int(count)):
        if what == "schedule":
            schedule(task, f"schedule-{number}", schedule_type="H", next_run=timezone.now())
        else:
            async_task(task, f"{what}-{number}", 600 if what == "slow" else 0.1)
    if what == "due":
        scheduler()


if __name__ == "__main__":
    main(*sys.argv[1:])
