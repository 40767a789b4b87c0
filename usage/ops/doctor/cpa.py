"""Findings about CPA: whether it answers, takes our key and keeps records for us."""

import re

from django.conf import settings

from catalog.cpa import Cpa
from catalog.models import Connection
from catalog.problems import Problem, Refused
from usage.collector.queue import Key, NotResp, Unavailable
from usage.collector.queue import Refused as QueueRefused
from usage.collector.queue.resp import login
from usage.ops.doctor.findings import Finding, verdict
from usage.ops.notices import SHORT_RETENTION

TIERS = "service tiers"
FEATURES = {  # since which version of CPA
    "the usage queue": (6, 10),
    "texts of failures": (7, 0, 0),
    "cache classes": (7, 0, 3),
    "subscriptions": (7, 0, 7),
    "response headers and quotas": (7, 1, 13),
    "reasoning effort": (7, 1, 18),
    "time to first token": (7, 1, 24),
    TIERS: (7, 1, 27),
    "executor types": (7, 1, 38),
    "response tiers": (7, 2, 65),
    "token breakdowns": (7, 2, 97),
}
SKEW_SECONDS = 60


def management():
    """Whether CPA's management API answers and takes the key, its version, and what its configuration means for us."""
    try:
        with Cpa(by_person=True) as cpa:
            enabled = cpa.switch("statistics_enabled")
            yield Finding("CPA", True, f"It answers at {settings.CPA_BASE_URL}.")
            yield Finding("Key", True, "CPA takes the management key.")
            yield _version(cpa.build.get("version", ""))
            yield _statistics(enabled)
            yield _retention(cpa.queue_retention())
            yield _clock(cpa.ahead)
    except Refused as problem:
        yield Finding("Key", False, str(problem))
    except Problem as problem:
        yield Finding("CPA", False, str(problem))


def queue():
    """Whether a login to the queue works; nothing is popped. Over HTTP the key was just tried."""
    if Connection.refused():
        yield Finding("Queue", False, "Not tried, for CPA refuses the management key.")
        return
    key = Key()
    key.share(Connection)
    yield _login(key)
    key.share(Connection)


def _login(key):
    try:
        login(key).close()
        return Finding("Queue", True, f"It answers at {settings.REDIS_QUEUE_ADDR}.")
    except NotResp as problem:
        fits = settings.QUEUE_MODE in ("auto", "http")
        cure = "Records are popped over HTTP instead." if fits else "Set QUEUE_MODE to auto or http."
        return Finding("Queue", fits, f"{problem} {cure}")
    except Unavailable as problem:
        return Finding("Queue", False, f"{problem} Set REDIS_QUEUE_ADDR to host:port of CPA.")
    except QueueRefused as problem:
        return Finding("Queue", False, str(problem))


def _version(words):
    numbers = tuple(int(number) for number in re.findall(r"\d+", words)[:3])
    lacks = {what: since for what, since in FEATURES.items() if numbers and numbers < since}
    names = ", ".join(Connection.load().not_offered)
    absent = f" It has no {names}." if names else ""
    if not lacks:
        return Finding("Version", True, f"CPA {words or 'of a version it does not tell'}.{absent}")
    listed = ", ".join(f"{what} (since {'.'.join(map(str, since))})" for what, since in lacks.items())
    costs = " Flex and priority are costed as standard." if TIERS in lacks else ""
    return Finding("Version", not costs, f"CPA {words} lacks {listed}: update it.{costs}{absent}")


def _statistics(enabled):
    off = "CPA's usage statistics are off, so it drops its records: run manage.py doctor --fix to turn them on."
    return verdict("Statistics", "" if enabled else off, "CPA writes usage records.", _turn_on)


def _turn_on():
    with Cpa(by_person=True) as cpa:
        cpa.set_switch("statistics_enabled", True)


def _retention(seconds):
    advice = "set redis-usage-queue-retention-seconds to 3600 in CPA's config"
    if seconds is None:
        return Finding("Retention", True, "CPA does not tell for how long it keeps a record.")
    short = f"CPA keeps a record for {seconds} s only, so a restart of ours may lose some: {advice}."
    wrong = short if seconds < SHORT_RETENTION else ""
    return verdict("Retention", wrong, f"CPA keeps a record for {seconds} s until it is taken.")


def _clock(ahead):
    if ahead is None:
        return Finding("Clock", True, "CPA does not tell its time.")
    way = "ahead of" if ahead > 0 else "behind"
    skewed = f"CPA's clock is {abs(ahead):.0f} s {way} ours: let both follow an NTP server."
    wrong = skewed if abs(ahead) > SKEW_SECONDS else ""
    return verdict("Clock", wrong, f"CPA's clock and ours agree to {abs(ahead):.0f} s.")
