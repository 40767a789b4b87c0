"""The vocabulary of records that could not be stored."""

from django.db import models, transaction


class DeadLetterQuerySet(models.QuerySet):
    """Dead letters."""

    def retry(self) -> int:
        """Store those that can be stored by now, as of their arrival; returns how many. The rest is dead again."""
        from usage.ingest.writer import Writer
        from usage.models import DrainState

        with transaction.atomic():
            DrainState.lock()  # before the rows: a drain that buries the same record holds it already
            batch = [(arrived, bytes(raw)) for arrived, raw in self.order_by("arrived").values_list("arrived", "raw")]
            self.delete()
            stored = Writer().store(batch)
        return len(batch) - stored.dead
