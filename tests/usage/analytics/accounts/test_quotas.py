"""Quota windows from the headers that upstreams send."""

import pytest

from usage.analytics.accounts.quotas import Window, windows

SEEN = 1_795_534_000_000_000


def test_codex_sends_a_short_and_a_long_window():
    headers = {
        "x-codex-primary-used-percent": "17",
        "x-codex-primary-window-minutes": "300",
        "x-codex-primary-reset-at": "1795546500",
        "x-codex-secondary-used-percent": "12",
        "x-codex-secondary-window-minutes": "10080",
        "x-codex-secondary-reset-after-seconds": "60",
    }
    assert windows(headers, SEEN) == [
        Window(name="5h", used=0.17, seconds=18_000, resets_at=1_795_546_500_000_000),
        Window(name="7d", used=0.12, seconds=604_800, resets_at=SEEN + 60_000_000),
    ]


@pytest.mark.parametrize(
    ("name", "value"), [("reset-at", "999999999999999"), ("reset-after-seconds", "1e14"), ("window-minutes", "1e14")]
)
def test_a_time_that_no_calendar_shows_is_none(name, value):
    headers = {"x-codex-primary-used-percent": "17", f"x-codex-primary-{name}": value}
    (window,) = windows(headers, SEEN)
    assert (window.used, window.seconds, window.resets_at) == (0.17, None, None)


@pytest.mark.parametrize("reset", ["9" * 200 + "d", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+00:00"])
def test_nor_does_a_reset_of_the_others(reset):
    headers = {"x-ratelimit-limit-tokens": "2", "x-ratelimit-remaining-tokens": "1", "x-ratelimit-reset-tokens": reset}
    assert windows(headers, SEEN) == [Window(name="tokens", used=0.5, limit=2, remaining=1)]


def test_a_model_with_a_quota_of_its_own_has_windows_of_its_own():
    headers = {
        "x-codex-blue-fox-limit-name": "GPT-5.3-Codex-Spark",
        "x-codex-blue-fox-primary-used-percent": "40",
        "x-codex-blue-fox-primary-window-minutes": "300",
        "x-codex-secondary-primary-used-percent": "50",
        "x-codex-primary-used-percent": "17",
        "x-codex-primary-window-minutes": "300",
        "x-codex-primary-over-secondary-limit-percent": "30",
    }
    assert windows(headers, SEEN) == [
        Window(name="5h", used=0.17, seconds=18_000),
        Window(name="5h", family="blue-fox", title="GPT-5.3-Codex-Spark", used=0.4, seconds=18_000),
        Window(name="primary", family="secondary", title="secondary", used=0.5),
    ]


def test_a_window_of_no_time_is_no_window():
    headers = {
        "x-codex-primary-used-percent": "0",
        "x-codex-primary-window-minutes": "0",
        "x-codex-primary-reset-after-seconds": "0",
        "x-codex-secondary-used-percent": "3",
        "anthropic-ratelimit-unified-0h-utilization": "0.1",
    }
    assert windows(headers, SEEN) == [Window(name="secondary", used=0.03)]


def test_claude_names_its_windows_by_their_length():
    headers = {
        "anthropic-ratelimit-unified-status": "allowed",
        "anthropic-ratelimit-unified-5h-utilization": "0.23",
        "anthropic-ratelimit-unified-5h-reset": "1795543200",
        "anthropic-ratelimit-unified-5h-status": "allowed_warning",
        "anthropic-ratelimit-unified-7d_opus-utilization": "0.5",
    }
    assert windows(headers, SEEN) == [
        Window(name="5h", used=0.23, seconds=18_000, resets_at=1_795_543_200_000_000, status="allowed_warning"),
        Window(name="7d opus", family="opus", used=0.5, seconds=604_800),
    ]


def test_keys_count_what_remains():
    headers = {
        "anthropic-ratelimit-requests-limit": "4000",
        "anthropic-ratelimit-requests-remaining": "3000",
        "anthropic-ratelimit-requests-reset": "2026-11-24T15:23:28Z",
        "x-ratelimit-limit-tokens": "4000000",
        "x-ratelimit-remaining-tokens": "4000000",
        "x-ratelimit-reset-tokens": "1m30.5s",
    }
    assert windows(headers, SEEN) == [
        Window(name="requests", used=0.25, resets_at=1_795_533_808_000_000, limit=4000, remaining=3000),
        Window(name="tokens", used=0.0, resets_at=SEEN + 90_500_000, limit=4_000_000, remaining=4_000_000),
    ]


def test_what_does_not_read_is_no_window():
    headers = {
        "x-codex-primary-used-percent": "much",
        "x-codex-secondary-used-percent": "-3",
        "anthropic-ratelimit-unified-5h-utilization": "nan",
        "x-ratelimit-limit-requests": "0",
        "x-ratelimit-remaining-requests": "0",
        "anthropic-ratelimit-tokens-limit": "10",
        "retry-after": "5",
    }
    assert windows(headers, SEEN) == []
    late = {"x-ratelimit-limit-tokens": "10", "x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "soon"}
    assert windows(late, SEEN) == [Window(name="tokens", used=0.5, limit=10, remaining=5)]
