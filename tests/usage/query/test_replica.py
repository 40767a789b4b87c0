"""Which database answers: chosen once for a request. What the choice is made by is in tests/deploy/test_replica.py."""

import pytest

from usage.query import replica

pytestmark = pytest.mark.django_db


@pytest.fixture
def choices(monkeypatch):
    """How often it was chosen; the databases are in truth one."""
    made = []

    def choose():
        made.append(1)
        return "default"

    monkeypatch.setattr(replica, "_chosen", choose)
    return made


def test_inside_one_choice_it_is_chosen_once(choices):
    with replica.one_choice():
        for _ in range(3):
            with replica.reading():
                pass
    assert len(choices) == 1
    with replica.reading(), replica.reading():
        pass
    assert len(choices) == 3


@pytest.mark.parametrize("address", ["", "analysis/", "requests/", "accounts/", "api/v1/usage/overview"])
def test_the_tag_of_an_answer_is_of_the_database_that_it_is_read_from(client, choices, address):
    assert client.get(f"/{address}").status_code == 200
    assert len(choices) == 1
