"""manage.py drain: take CPA's usage records and store them, until it is stopped."""

import signal

from django.core import checks
from django.core.management.base import BaseCommand, CommandError

from usage.collector.loop import Drain


class Command(BaseCommand):
    help = "Drain CPA's usage queue into the database. SIGTERM and SIGINT finish the batch in hand."
    requires_system_checks = []  # those of pages and admin would load all of the web; handle() runs ours

    def handle(self, **options):
        mistakes = [mistake.msg for mistake in checks.run_checks(tags=["configuration"]) if mistake.is_serious()]
        if mistakes:
            raise CommandError(" ".join(mistakes))
        drain = Drain()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: drain.stop())
        try:
            ended_well = drain.run()
        except OSError as error:
            raise CommandError(
                f"The spool cannot be used: {error}. Let this user write there, or set SPOOL_DIR."
            ) from None
        if not ended_well:
            raise CommandError("The drain ended by a fault of its own, named above: start it again.")
