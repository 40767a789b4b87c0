"""Who called is forgotten when the last event that names the client is gone."""

from django.db import transaction
from django.db.models import Max

from usage.ingest.labels import digest_of
from usage.models import Client, DrainState, Event

CHUNK = 1_000  # rows emptied in one transaction


def forget_clients() -> int:
    """Empty the row of every client that no event names; returns how many there were.

    A writer remembers which row a client has, so its owner must make a new one afterwards: only the drain calls
    this. The rows stay, for the database would look through all events for each row that goes.
    """
    newest = Event.objects.aggregate(newest=Max("id"))["newest"] or 0
    named = set(Event.objects.values_list("client_id", flat=True).distinct())
    known = Client.objects.exclude(ip="", forwarded_for="", user_agent="").order_by("id")
    unused = [id for id in known.values_list("id", flat=True) if id not in named]
    return sum(_empty(unused[at : at + CHUNK], newest) for at in range(0, len(unused), CHUNK))


@transaction.atomic
def _empty(ids: list[int], newest: int) -> int:
    DrainState.lock()
    named_since = set(Event.objects.filter(id__gt=newest).values_list("client_id", flat=True).distinct())
    rows = [Client(id=id, digest=digest_of(("forgotten", id))) for id in ids if id not in named_since]
    return Client.objects.bulk_update(rows, ["digest", "ip", "forwarded_for", "user_agent"], batch_size=200)
