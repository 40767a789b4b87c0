"""What figures say of themselves."""

import pytest

from usage.analytics.answers import Figures


@pytest.mark.parametrize(
    ("total_tokens", "unpriced_tokens", "cost", "known"),
    [
        (0, 0, 0.0, 0.0),
        (100, 0, 0.0, 0.0),  # a model that costs nothing
        (100, 40, 1.5, 1.5),
        (100, 100, 0.0, None),
        (100, 100, 1.5, 1.5),  # together with priced attempts of which CPA says that their total is 0
    ],
)
def test_a_cost_is_unknown_only_where_nothing_has_a_price(total_tokens, unpriced_tokens, cost, known):
    assert Figures(total_tokens=total_tokens, unpriced_tokens=unpriced_tokens, cost=cost).known_cost == known
