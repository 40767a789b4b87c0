"""Which attempt ended a request, against the rule applied literally."""

from hypothesis import given
from hypothesis import strategies as st

from usage.ingest.attempts import NEAR_US, Attempt, counts_alone, finals

SECOND = 1_000_000


def attempt(order, seconds=0.0, latency_ms=0, failed=False):
    return Attempt(int(seconds * SECOND), latency_ms, failed, order)


def test_a_lone_attempt_is_final():
    assert finals([attempt(7, failed=True)]) == {7}


def test_a_success_wins_over_later_failures():
    assert finals([attempt(0), attempt(1, 5, failed=True)]) == {0}


def test_the_latest_failure_wins_when_none_succeeded():
    assert finals([attempt(0, 5, failed=True), attempt(1, 1, failed=True)]) == {0}


def test_the_first_stored_wins_at_one_timestamp():
    assert finals([attempt(4), attempt(3)]) == {3}


def test_an_attempt_an_hour_later_is_another_request():
    assert finals([attempt(0, failed=True), attempt(1, 3600)]) == {0, 1}


def test_a_long_attempt_reaches_over_one_in_between():
    """The ends link, not the starts: the one in the middle shares only a clashing id."""
    assert finals([attempt(0, 0, 600_000, failed=True), attempt(1, 180), attempt(2, 601)]) == {1, 2}


def test_the_same_start_links_however_long_it_took():
    assert finals([attempt(0, 0, 900_000), attempt(1, 0, 700_000)]) == {0}


def test_exactly_sixty_seconds_still_link():
    assert finals([attempt(0, 0, 1000, failed=True), attempt(1, 61)]) == {1}
    assert finals([attempt(0, 0, 1000, failed=True), Attempt(61 * SECOND + 1, 0, False, 1)]) == {0, 1}


def test_ids_of_websockets_and_blank_ids_link_nothing():
    assert counts_alone("", "POST /v1/messages")
    assert counts_alone("abc", "GET /v1/responses")
    assert not counts_alone("abc", "POST /v1/responses")


ATTEMPTS = st.lists(
    st.tuples(st.integers(0, 400), st.sampled_from([0, 1000, 30_000, 120_000, 300_000]), st.booleans()), max_size=12
).map(lambda rows: [attempt(i, *row) for i, row in enumerate(rows)])


def literally(attempts):
    """Connected groups by comparing every pair, again and again until nothing joins."""
    groups = [{a} for a in attempts]
    while joined := next(
        ((g, h) for g in groups for h in groups if g is not h and any(linked(a, b) for a in g for b in h)), None
    ):
        groups.remove(joined[1])
        joined[0].update(joined[1])
    return {sorted(g, key=lambda a: (a.failed, -a.timestamp, a.order))[0].order for g in groups}


def linked(a, b):
    return a.timestamp == b.timestamp or abs(a.timestamp - b.end) <= NEAR_US or abs(b.timestamp - a.end) <= NEAR_US


@given(ATTEMPTS)
def test_it_agrees_with_comparing_every_pair(attempts):
    assert finals(attempts) == literally(attempts)


@given(ATTEMPTS, st.randoms())
def test_the_order_of_arrival_changes_nothing(attempts, random):
    shuffled = attempts[:]
    random.shuffle(shuffled)
    assert finals(shuffled) == finals(attempts)
