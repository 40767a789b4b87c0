"""The marker of a subscription: it stands while one does, and until the gap of one that died is recorded."""

import pytest

from usage.collector.marker import Marker


@pytest.fixture
def path(home):
    home.mkdir()
    return home / "subscribed"


def test_it_stands_while_a_subscription_does(home, path):
    marker = Marker(home)
    stood = [path.exists()]
    for subscribed in (True, True, False, True, False):
        marker.note(subscribed)
        stood.append(path.exists())
    assert (marker.left_behind, stood) == (None, [False, True, True, False, True, False])


def test_one_left_behind_keeps_its_time_and_stays_until_its_gap_is_told(home, path):
    Marker(home).note(True)
    began = path.stat().st_mtime_ns
    marker = Marker(home)
    marker.note(True)
    marker.note(False)
    assert (marker.left_behind, path.stat().st_mtime_ns) == (began // 1000, began)
    marker.told()
    assert (marker.left_behind, path.exists()) == (None, False)


def test_our_own_stays_when_the_gap_of_an_earlier_one_is_told(home, path):
    Marker(home).note(True)
    marker = Marker(home)
    marker.note(True)
    marker.told()
    assert path.exists()
    marker.note(False)
    assert not path.exists()


def test_a_folder_that_cannot_be_written_keeps_nobody_from_reading(home):
    marker = Marker(home / "missing")
    marker.note(True)
    marker.note(False)
