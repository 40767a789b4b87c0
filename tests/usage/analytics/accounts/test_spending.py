"""What a hundredth of a quota cost, and how it was used up: each window by itself, and exactly."""

import pytest

from pricing.models import Model
from tests.usage.made import HOUR, NOON, SECOND, record, stored
from usage.analytics.accounts.accounts import accounts
from usage.query.forms import UsageFilterForm

pytestmark = pytest.mark.django_db
MINUTE = 60 * SECOND
NOW = NOON + HOUR
BEGIN = NOON - 53 * MINUTE  # seven minutes into a quarter of an hour
RESET = BEGIN + 5 * HOUR
DOLLAR = {"input": 100_000, "output": 0, "reasoning": 0, "cached": 0, "total": 100_000}


@pytest.fixture(autouse=True)
def prices_and_clock(set_clock):
    """A dollar for each attempt, and a fixed hour."""
    Model.objects.set_price("gpt-5", {"prompt": 10**7, "completion": 0})
    set_clock(NOW)


def spent(at, *families, used=20, **fields):
    """A record that cost a dollar, with headers of five hours until RESET: the account's, and of each family."""
    headers = {}
    for start in ("X-Codex-", *(f"X-Codex-{family}-" for family in families)) if families else ():
        headers[f"{start}Primary-Used-Percent"] = [str(used)]
        headers[f"{start}Primary-Window-Minutes"] = ["300"]
        headers[f"{start}Primary-Reset-At"] = [str(RESET // SECOND)]
        used += 10
    return record(at, tokens=DOLLAR, response_headers=headers, **fields)


def quotas(**labels):
    form = UsageFilterForm({"range": "all", **labels})
    assert form.is_valid(), form.errors
    (account,) = (item for item in accounts(form.usage_filter()).items if item.about.source == "ann@example.com")
    return account.quotas


def test_a_window_that_begins_within_a_quarter_counts_what_came_from_its_beginning_on():
    stored(
        spent(BEGIN - 8 * MINUTE),
        spent(BEGIN - 1),
        spent(BEGIN),
        spent(BEGIN + 7 * MINUTE),
        spent(BEGIN + 8 * MINUTE),
        spent(BEGIN + MINUTE, source="bob@example.com", auth_index="b"),
        spent(NOON, "Blue-Fox"),
    )
    assert [quota.usd_per_percent for quota in quotas()] == [pytest.approx(4 / 20), None]


def test_a_window_that_has_only_just_begun_counts_its_first_minutes():
    stored(spent(BEGIN - 1), spent(BEGIN), spent(BEGIN + MINUTE, "Blue-Fox"))
    assert quotas()[0].usd_per_percent == pytest.approx(2 / 20)


def test_a_quota_counts_all_requests_of_the_account_whatever_is_filtered_by():
    stored(spent(NOON, api_key="sk-client-bob-0002"), spent(NOON + SECOND, "Blue-Fox"))
    assert [quotas(**labels)[0].usd_per_percent for labels in ({}, {"api_key": ["sk-client-bob-0002"]})] == [0.1, 0.1]


def test_the_history_of_a_models_window_stays_its_own():
    for n in range(4):
        stored(spent(NOON + n * 20 * MINUTE, "Blue-Fox", used=10 + n))
    own = [(quota.window.family, quota.window.name, quota.history) for quota in quotas()]
    assert own == [("", "5h", [0.12, 0.13]), ("blue-fox", "5h", [0.22, 0.23])]


def test_a_window_that_began_more_than_a_week_ago_has_no_cost():
    old = {"X-Codex-Primary-Used-Percent": ["50"], "X-Codex-Primary-Window-Minutes": ["10080"]}
    old["X-Codex-Primary-Reset-At"] = [str((NOON - HOUR) // SECOND)]
    stored(record(NOON - 2 * HOUR, tokens=DOLLAR, response_headers=old))
    (quota,) = quotas()
    assert (quota.over, quota.usd_per_percent) == (True, None)
