"""Several processes change prices at once: nothing is lost, nothing is there twice."""

import pytest

from pricing.models import Model, PriceSet, RateCard, Revision
from tests.threads import at_once


@pytest.mark.django_db(transaction=True)
def test_every_change_is_counted_though_the_counter_has_no_row_yet():
    at_once(lambda _: Revision.bump(), 20)
    assert Revision.current() == 20


@pytest.mark.django_db(transaction=True)
def test_first_prices_set_at_once_leave_one_set_with_one_card(recosted):
    at_once(lambda i: Model.objects.set_price("m", {"prompt": i, "completion": i}), 12)
    assert (Model.objects.count(), PriceSet.objects.count(), RateCard.objects.count()) == (1, 1, 1)
    assert sorted(revision for _, revision in recosted) == list(range(1, 13))


@pytest.mark.django_db(transaction=True)
def test_a_model_observed_at_once_is_one_row():
    ids = []
    at_once(lambda _: ids.append(Model.objects.observe(["a", "b"])), 8)
    assert ids == [ids[0]] * 8
    assert Model.objects.count() == 2
