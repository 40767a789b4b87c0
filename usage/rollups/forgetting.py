"""What nothing counts any more goes: who called, label sets, label values, and models and client keys with neither
usage nor anything that a person has said about them.

Only retention and merging do this, one at a time, for they hold the lease; writers then remember nothing of it.
"""

import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef, ProtectedError, Q, QuerySet
from django.utils import timezone

from aliases.models import ApiKey
from catalog.models import Connection
from pricing.models import Adjustment, Model, PriceSet, Revision, Scope
from usage.ingest.labels import digest_of
from usage.ingest.statements import COLUMNS
from usage.models import (
    Client,
    Day,
    DrainState,
    Duration,
    Event,
    ImportedDay,
    LabelDay,
    LabelQuarter,
    LabelValue,
    Quarter,
    Series,
)

CHUNK = 1_000  # rows that go in one transaction
NEW = timedelta(days=1)  # so long a model or a key is kept that was only just named: its price or name may follow
Between = Callable[[float], object]  # called after each transaction with the seconds it took


def forget_clients() -> int:
    """Empty the row of every client that no event names; returns how many there were.

    The rows stay, for the database would look through all events for each row that goes.
    """
    newest = Event.objects.aggregate(newest=Max("id"))["newest"] or 0
    named = set(Event.objects.values_list("client_id", flat=True).distinct())
    known = Client.objects.exclude(ip="", forwarded_for="", user_agent="").order_by("id")
    unused = [id for id in known.values_list("id", flat=True) if id not in named]
    return sum(_empty(unused[at : at + CHUNK], newest) for at in range(0, len(unused), CHUNK))


@transaction.atomic
def _empty(ids: list[int], newest: int) -> int:
    DrainState.labels_go()
    named_since = set(Event.objects.filter(id__gt=newest).values_list("client_id", flat=True).distinct())
    rows = [Client(id=id, digest=digest_of(("forgotten", id))) for id in ids if id not in named_since]
    return Client.objects.bulk_update(rows, ["digest", "ip", "forwarded_for", "user_agent"], batch_size=200)


def forget_labels(between: Between, models: Collection[str] = (), keys: Collection[str] = ()) -> int:
    """Delete label sets and label values without totals, and models and keys that nothing needs; returns how many rows.

    `models` and `keys` (fingerprints) go though they are new: a person has just merged them into another one.
    """
    forget_zeros(between)
    gone = _forget(Series.objects.all(), _used("series_id", Event, Quarter, Day, ImportedDay), between)
    gone += _forget(_without_totals(), (), between)
    gone += _forget(_unused_models(models), _used("model_id", Series, Duration), between)
    return gone + _forget(_unused_keys(keys), _used("api_key_id", Series), between)


def _used(column, *tables) -> set[int]:
    return {id for table in tables for id in table.objects.order_by().values_list(column, flat=True).distinct()}


def forget_zeros(between: Between):
    """Rows of zeros, which labels leave behind that moved, count as none; without them their label sets can go."""
    for rollup, (_, measures) in COLUMNS.items():
        zeros = rollup.objects.filter(**dict.fromkeys(measures, 0))
        if zeros.exists():
            _timed(lambda rows: (DrainState.lock(), rows.delete()), zeros, between)


def _without_totals():
    rows = [~Exists(rollup.objects.filter(label_value=OuterRef("pk"))) for rollup in (LabelQuarter, LabelDay)]
    return LabelValue.objects.filter(*rows).exclude(label="")


def _unused_models(merged):
    asked_for = Series.objects.order_by().values_list("requested_model", flat=True).distinct()
    offered = Connection.objects.filter(pk=1).values_list("models_offered", flat=True).first() or ()
    # One that was merged may still be asked for by its name, and then its price still counts.
    priceless = Model.objects.filter(name__among=sorted(merged), price_sets=None).values_list("name", flat=True)
    kept = {*asked_for}.difference(priceless) | {*offered}
    return Model.objects.untouched().filter(_old_or("name", merged)).exclude(name__among=sorted(kept))


def _unused_keys(merged):
    priced = (
        PriceSet.objects.filter(scope=Scope.API_KEY, scope_value=OuterRef("fingerprint")),
        Adjustment.objects.filter(scope=Scope.API_KEY, value=OuterRef("fingerprint")),
    )
    return ApiKey.objects.untouched().filter(_old_or("fingerprint", merged), *(~Exists(rows) for rows in priced))


def _old_or(column, values) -> Q:
    return Q(created_at__lt=timezone.now() - NEW) | Q(**{f"{column}__among": sorted(values)})


def _forget(rows: QuerySet, used: Iterable[int], between: Between) -> int:
    """Delete those of these rows that are not used, some at a time; returns how many."""
    unused = sorted(set(rows.values_list("id", flat=True)) - set(used))
    found = [rows.model.objects.filter(id__among=unused[at : at + CHUNK]) for at in range(0, len(unused), CHUNK)]
    return sum(_timed(_delete, some, between) for some in found)


def _timed(step, rows, between):
    began = time.monotonic()
    # Outside of the transaction: for each row that goes SQLite would look through all events. Django looks once.
    with connection.constraint_checks_disabled(), transaction.atomic():
        done = step(rows)
    between(time.monotonic() - began)
    return done


def _delete(rows) -> int:
    """Delete rows but for those that came into use meanwhile: then another run does it."""
    if rows.model is Model:
        Revision.bump()  # of the catalogue's prices; before the lock, as each change of prices
    DrainState.labels_go()
    with suppress(ProtectedError):
        return rows.delete()[1].get(rows.model._meta.label, 0)
    return 0
