"""CPA's counters against the records that came: a difference is told only when it is certain."""

from tests.usage.made import NOON, record
from usage.collector.watch.counters import Comparison, Received, Round


def at_round(at, counted, before, after):
    """Counters read between two counts of records, all of account "a"."""
    return Round(at, {"a": counted}, {"a": before}, {"a": after}, True, False)


def missing(*rounds, **begin):
    compared = Comparison(**begin)
    return [sum(compared.missing(at_round(*each)).values()) for each in rounds]


def test_records_are_counted_by_account_whatever_they_hold():
    received = Received()
    received.add([record(NOON, auth_index="ab12"), record(NOON, auth_index="ab12"), record(NOON, auth_index="cd34")])
    received.add([memoryview(record(NOON, auth_index="cd34")), b"no record", b"", b'{"auth_index":7}'])
    assert received.copy() == {"ab12": 2, "cd34": 2}


def test_the_first_round_is_where_both_begin():
    assert missing((1, 500, 0, 0), (2, 510, 10, 10)) == [0, 0]


def test_what_is_counted_and_does_not_come_is_missing():
    assert missing((1, 500, 0, 0), (2, 503, 1, 1), (3, 504, 1, 1)) == [0, 2, 3]


def test_a_record_on_its_way_is_not_missing():
    assert missing((1, 0, 0, 0), (2, 10, 8, 12), (3, 20, 19, 20)) == [0, 0, 0]


def test_a_record_that_cpa_does_not_count_hides_nothing_later():
    assert missing((1, 0, 0, 0), (2, 5, 6, 6), (3, 6, 7, 7), (4, 7, 7, 7)) == [0, 0, 0, 1]


def test_a_backlog_that_comes_after_the_first_round_hides_nothing_later():
    assert missing((1, 100, 0, 40), (2, 101, 41, 41), (3, 103, 41, 41)) == [0, 0, 2]


def test_one_account_does_not_make_up_for_another():
    compared = Comparison()
    compared.missing(Round(1, {"a": 0, "b": 0}, {}, {}, True, False))
    found = compared.missing(Round(2, {"a": 3, "b": 1}, {"a": 1, "b": 5}, {"a": 1, "b": 5}, True, False))
    assert found == {"a": 2}


def test_a_restart_of_cpa_begins_again():
    assert missing((1, 500, 0, 0), (2, 3, 0, 0), (3, 4, 0, 0)) == [0, 0, 1]


def test_an_earlier_process_left_the_difference():
    assert missing((5, 507, 0, 2), base={"a": 500}, agreed_at=1) == [5]


def test_the_latest_agreement_is_remembered_while_records_are_missing():
    compared = Comparison()
    for each in ((1, 0, 0, 0), (2, 3, 3, 3), (3, 5, 3, 3), (4, 6, 4, 4)):
        compared.missing(at_round(*each))
    assert compared.agreed_at == 2
