"""What rollups cost: filled in as they are counted, and again when a price changes."""

from pricing.rates import cost
from usage.models import MEASURES

CLASSES = slice(MEASURES.index("uncached"), MEASURES.index("unclassified") + 1)
TOTAL, COST, UNPRICED = (MEASURES.index(name) for name in ("total", "cost", "unpriced_tokens"))


class Costs:
    """What a rollup row costs: its series' rates on its day, times its tokens."""

    def __init__(self, book, known: dict[int, tuple] | None = None):
        """`known`: series id -> (model id, tier, context step), more of which `learn` tells."""
        self.book = book
        self.known = {} if known is None else known

    def learn(self, series_id, model_id, tier, context_over):
        """Tell what the price of a series depends on."""
        self.known[series_id] = (model_id, tier, context_over)

    def fill(self, series_id, day, row):
        """Set cost and unpriced tokens of a row of measures of one local day."""
        if not any(row[CLASSES]) and not row[TOTAL]:
            return
        model_id, tier, context_over = self.known[series_id]
        rates = self.book.rates(model_id, day, tier, context_over)
        if rates is None:
            row[UNPRICED] = row[TOTAL]
        else:
            row[COST] = cost(rates, *row[CLASSES])
