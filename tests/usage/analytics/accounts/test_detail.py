"""One account: what its windows counted, those that are over, its states, its keys and its failures."""

import pytest
from django.core.exceptions import ValidationError

from catalog.models import AccountState
from pricing.models import Model
from tests.usage.made import HOUR, NOON, SECOND, record, stored
from usage.analytics.accounts.detail import account
from usage.analytics.accounts.quotas import ended_windows
from usage.query.forms import UsageFilterForm

pytestmark = pytest.mark.django_db
ANN, MOVED = {"source": "ann@example.com", "auth_index": "a"}, {"source": "ann@example.com", "auth_index": "m"}
BOB = {"source": "bob@example.com", "auth_index": "b"}
MINUTE = 60 * SECOND
DOLLAR = {"input": 100_000, "output": 0, "reasoning": 0, "cached": 0, "total": 100_000}


@pytest.fixture(autouse=True)
def noon(set_clock):
    """It is noon on 24 November 2026 in Shanghai; an attempt costs a dollar."""
    set_clock(NOON)
    Model.objects.set_price("gpt-5", {"prompt": 10**7, "completion": 0})


def said(used, resets, family=""):
    told = {"Used-Percent": used, "Window-Minutes": 300, "Reset-At": resets // SECOND}
    return {f"X-Codex-{family}Primary-{end}": [str(value)] for end, value in told.items()}


def spent(at, used, resets, **fields):
    return record(at, tokens=DOLLAR, response_headers=said(used, resets), **{**ANN, **fields})


def detail(account_id="a", **parameters):
    form = UsageFilterForm({"range": "7d", **parameters})
    assert form.is_valid(), form.errors
    return account(form.usage_filter(), account_id)


def uses(windows):
    return [(use.window.name, use.window.used, use.start, use.requests, use.total_tokens, use.cost) for use in windows]


def test_the_present_window_counts_exactly_from_its_beginning():
    begin = NOON - 53 * MINUTE  # seven minutes into a quarter of an hour
    resets = begin + 5 * HOUR
    stored(spent(begin - HOUR, 90, begin))
    stored(
        spent(begin - 1, 91, begin),
        spent(begin, 10, resets),
        spent(begin + MINUTE, 20, resets, **MOVED),
        spent(begin + HOUR // 2, 30, resets),
        record(begin + MINUTE, **BOB),
    )
    found = detail()
    assert uses(found.present) == [("5h", 0.3, "2026-11-24T03:07:00Z", 3, 300_000, 3.0)]
    # By quarter hours: that in which it ended counts whole.
    assert uses(found.ended) == [("5h", 0.9, "2026-11-23T22:07:00Z", 4, 400_000, 4.0)]
    assert [each.auth_index for each in found.indexes] == ["a", "m"]
    assert detail("m").account == found.account


def test_windows_that_are_over_come_newest_first_with_their_largest_use():
    first, second = NOON - 10 * HOUR, NOON - 5 * HOUR
    for n in range(3):  # of a batch only the last reading of an account is kept, as of an hour
        stored(spent(first + n * HOUR, 10 + 20 * n, second))
    for n, used in enumerate((70, 65)):
        stored(spent(second + n * HOUR, used, NOON))
    assert uses(detail().ended) == [
        ("5h", 0.7, "2026-11-23T23:00:00Z", 2, 200_000, 2.0),
        ("5h", 0.5, "2026-11-23T18:00:00Z", 3, 300_000, 3.0),
    ]


def test_a_window_that_its_upstream_reset_early_ends_there():
    def told(used, resets):
        return {name.lower(): value[0] for name, value in said(used, resets).items()}

    early = NOON - HOUR
    readings = [(told(90, NOON + HOUR), early - 1), (told(1, early + 5 * HOUR), early + 1)]
    (over,) = ended_windows(readings, NOON)
    assert (over.window.used, over.start, over.end) == (0.9, NOON - 4 * HOUR, early)
    # Seconds between what two replies say are no new window.
    assert ended_windows([(told(90, NOON + HOUR), early), (told(91, NOON + HOUR + 2 * SECOND), early + 1)], NOON) == []


def test_what_a_window_of_some_models_counted_is_not_told():
    stored(record(NOON - HOUR, response_headers=said(40, NOON + HOUR, "Blue-Fox-"), **ANN))
    assert uses(detail().present) == [("5h", 0.4, "2026-11-24T00:00:00Z", None, None, None)]


def test_its_keys_failures_and_states_are_its_own():
    fail = {"status_code": 429, "body": "slow down"}
    stored(
        record(NOON - 1, api_key="sk-client-alice-0001", **ANN),
        record(NOON - 2, api_key="sk-client-bob-0002", failed=True, fail=fail, **MOVED),
        record(NOON - 3, api_key="sk-client-carol-0003", failed=True, fail={"status_code": 500, "body": "oh"}, **BOB),
    )
    AccountState.note({"a": ("error", "quota exceeded"), "b": ("active", "")})
    found = detail()
    assert sorted(row.label for row in found.keys.rows) == ["sk-c****0001", "sk-c****0002"]
    assert [(reason.status, reason.message) for reason in found.failures.reasons] == [(429, "slow down")]
    assert [(state.state, state.message) for state in found.states] == [("error", "quota exceeded")]


def test_filters_other_than_the_period_leave_it_as_it_is():
    stored(record(NOON - 1, **ANN), record(NOON - 9 * 24 * HOUR, **ANN))
    assert detail(model=["other"]).account.about.total == 1


def test_an_account_that_does_not_exist_is_refused():
    with pytest.raises(ValidationError) as refusal:
        detail("nobody")
    assert list(refusal.value.message_dict) == ["account"]
