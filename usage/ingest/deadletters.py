"""What becomes of records that could not be stored."""

from django.db import transaction

from usage.ingest.writer import Writer
from usage.models import DrainState


def retry(letters) -> int:
    """Store the dead letters of a queryset that can be stored by now, as of their arrival; returns how many.

    The others are dead letters again. Raises django.db.Error when the database is away; nothing is changed then.
    """
    with transaction.atomic():
        DrainState.lock()  # before the rows: a drain that buries the same record holds it already
        batch = [(arrived, bytes(raw)) for arrived, raw in letters.order_by("arrived").values_list("arrived", "raw")]
        letters.delete()
        stored = Writer().store(batch)
    return len(batch) - stored.dead
