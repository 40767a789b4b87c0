"""What rollups cost: filled in as they are counted, and again when a price changes."""

from pricing.rates import cost
from usage.models import MEASURES

CLASSES = slice(MEASURES.index("uncached"), MEASURES.index("unclassified") + 1)
REQUESTS, TOTAL, COST, UNPRICED = map(MEASURES.index, ("requests", "total", "cost", "unpriced_tokens"))


class Costs:
    """What a rollup row costs: its series' rates on its day, times its tokens."""

    def __init__(self, book, known: dict[int, tuple] | None = None):
        """`known`: series id -> (model id, tier, context step), more of which `learn` tells."""
        self.book = book
        self.known = {} if known is None else known

    def learn(self, series):
        """Look up what the prices of a queryset of Series depend on."""
        rows = series.order_by().values_list("id", "model_id", "tier", "context_over")
        self.known.update((id, tuple(depends_on)) for id, *depends_on in rows)

    def fill(self, series_id, day, row):
        """Set cost and unpriced tokens of a row of measures of one local day."""
        if any(row[CLASSES]) or row[TOTAL]:
            row[COST], row[UNPRICED] = self.of(series_id, day, row[REQUESTS], row[TOTAL], *row[CLASSES])

    def of(self, series_id, day, requests, total, *classes) -> tuple[int, int]:
        """(pico-USD, unpriced tokens) of what a series counted on one local day."""
        model_id, tier, context_over = self.known[series_id]
        rates = self.book.rates(model_id, day, tier, context_over)
        return (0, total) if rates is None else (cost(rates, *classes, requests=requests), 0)
