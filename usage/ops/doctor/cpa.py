"""Findings about CPA: whether it answers, takes our key and keeps records for us."""

import re

from django.conf import settings

from catalog.cpa import Cpa
from catalog.problems import Problem, Refused
from usage.collector.metadata import STARVED
from usage.collector.queue import Key, NotResp, Unavailable
from usage.collector.queue import Refused as QueueRefused
from usage.collector.queue.resp import login
from usage.models import DrainState
from usage.ops.doctor.findings import Finding, verdict

OLDEST = (7, 1, 27)  # older ones send no service tiers
SKEW_SECONDS = 60
RETENTION_SECONDS = 60  # CPA's default; an outage of ours shorter than it loses nothing


def management():
    """Whether CPA's management API answers and takes the key, its version, and what its configuration means for us."""
    try:
        with Cpa() as cpa:
            enabled = cpa.switch("statistics_enabled")
            yield Finding("CPA", True, f"It answers at {settings.CPA_BASE_URL}.")
            yield Finding("Key", True, "CPA takes the management key.")
            yield _version(cpa.build)
            yield _statistics(enabled)
            yield _retention(cpa.queue_retention())
            yield _clock(cpa.ahead)
    except Refused as problem:
        yield Finding("Key", False, str(problem))
    except Problem as problem:
        yield Finding("CPA", False, str(problem))


def queue():
    """Whether a login to the queue works; nothing is popped."""
    try:
        login(Key()).close()
        yield Finding("Queue", True, f"It answers at {settings.REDIS_QUEUE_ADDR}.")
    except NotResp as problem:
        fits = settings.QUEUE_MODE in ("auto", "http")
        cure = "Records are popped over HTTP instead." if fits else "Set QUEUE_MODE to auto or http."
        yield Finding("Queue", fits, f"{problem} {cure}")
    except Unavailable as problem:
        yield Finding("Queue", False, f"{problem} Set REDIS_QUEUE_ADDR to host:port of CPA.")
    except QueueRefused as problem:
        yield Finding("Queue", False, str(problem))


def consumers():
    """Whether another program takes the records, as far as the drain has noticed."""
    state = DrainState.load()
    if STARVED in state.last_error:
        yield Finding("Consumers", state.mode == "subscribe", f"{STARVED} Stop it, or leave QUEUE_MODE at auto.")
    elif state.heartbeat_at:
        yield Finding("Consumers", True, "The drain has noticed no other program that takes CPA's records.")


def _version(build):
    words = build.version if build else ""
    numbers = tuple(int(number) for number in re.findall(r"\d+", words)[:3])
    oldest = ".".join(map(str, OLDEST))
    old = f"CPA {words} is older than {oldest} and sends no service tiers: flex and priority are costed as standard. "
    old += "Update it."
    wrong = old if numbers and numbers < OLDEST else ""
    return verdict("Version", wrong, f"CPA {words or 'of a version it does not tell'}.")


def _statistics(enabled):
    off = "CPA's usage statistics are off, so it drops its records: run manage.py doctor --fix to turn them on."
    return verdict("Statistics", "" if enabled else off, "CPA writes usage records.", _turn_on)


def _turn_on():
    with Cpa() as cpa:
        cpa.set_switch("statistics_enabled", True)


def _retention(seconds):
    advice = "set redis-usage-queue-retention-seconds to 3600 in CPA's config"
    short = f"CPA keeps a record for {seconds} s only, so a restart of ours may lose some: {advice}."
    wrong = short if seconds < RETENTION_SECONDS else ""
    return verdict("Retention", wrong, f"CPA keeps a record for {seconds} s until it is taken.")


def _clock(ahead):
    if ahead is None:
        return Finding("Clock", True, "CPA does not tell its time.")
    way = "ahead of" if ahead > 0 else "behind"
    skewed = f"CPA's clock is {abs(ahead):.0f} s {way} ours: let both follow an NTP server."
    wrong = skewed if abs(ahead) > SKEW_SECONDS else ""
    return verdict("Clock", wrong, f"CPA's clock and ours agree to {abs(ahead):.0f} s.")
