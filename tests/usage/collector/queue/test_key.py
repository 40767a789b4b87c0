"""What is known of the management key, and how the processes tell each other."""

import pytest
from django.db import OperationalError

from catalog.models import Connection
from usage.collector.queue import Key, Refused


def tried(key):
    try:
        key.check()
    except Refused as refused:
        return str(refused)
    return None


@pytest.mark.django_db
def test_a_refusal_here_reaches_the_others_and_theirs_reaches_us(clock):
    ours, theirs = Key(clock), Key(clock)
    ours.refused("CPA refuses the management key: no")
    assert ours.has_news
    ours.share(Connection)
    assert (ours.has_news, tried(theirs)) == (False, None)
    theirs.share(Connection)
    sentence = Connection.refused()
    assert sentence.startswith("CPA refuses the management key: no.")
    assert (tried(ours), tried(theirs)) == (sentence, sentence)


@pytest.mark.django_db
def test_a_login_that_works_takes_the_refusal_back(clock):
    ours = Key(clock)
    ours.refused("no")
    ours.share(Connection)
    clock.now += 601
    ours.accepted()
    ours.share(Connection)
    assert (tried(ours), Connection.refused(), Connection.load().refused_until) == (None, None, None)


@pytest.mark.django_db
def test_a_login_is_news_once(clock):
    ours = Key(clock)
    ours.accepted()
    assert ours.has_news
    ours.share(Connection)
    ours.accepted()
    assert not ours.has_news


class Away:
    """A row while the database is away."""

    def refuse(self, reason):
        raise OperationalError

    accepted = refused = refuse


def test_news_waits_while_the_database_is_away(clock):
    ours = Key(clock)
    ours.refused("no")
    with pytest.raises(OperationalError):
        ours.share(Away())
    assert (ours.has_news, tried(ours)) == (True, "no")
