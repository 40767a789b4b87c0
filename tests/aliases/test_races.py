"""Several processes name keys at once: nothing is lost, nothing is there twice."""

import pytest

from aliases.models import ApiKey, Revision
from tests.threads import at_once


@pytest.mark.django_db(transaction=True)
def test_a_key_named_at_once_is_one_row_and_every_change_is_counted():
    at_once(lambda i: ApiKey.objects.describe("sk-ann-0123456789", alias=f"name {i}"), 12)
    assert (ApiKey.objects.named().count(), ApiKey.objects.count(), Revision.current()) == (1, 1, 12)


@pytest.mark.django_db(transaction=True)
def test_keys_observed_while_they_are_imported_are_one_row_each():
    items = [{"api_key": f"sk-key-{i:04}", "alias": f"name {i}"} for i in range(50)]
    at_once(lambda i: ApiKey.objects.import_items("replace", items[: 10 + i]), 8)
    named = ApiKey.objects.named().count()
    assert (ApiKey.objects.count(), Revision.current(), 10 <= named <= 17) == (17, 8, True)
