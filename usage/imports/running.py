"""Imports from their beginning to their end, one at a time, in steps that may be cut off anywhere."""

import gc
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from math import inf
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from aliases.models import ApiKey
from pricing.models import Model
from pricing.rates import checked_pico
from usage.imports.closing import close_days, cost_of, waiting
from usage.imports.formats import Refused, Source, open_source
from usage.imports.looking import batches, new_aliases, new_prices
from usage.imports.storing import DetailMoved, ImportWriter, price_all
from usage.imports.undoing import begin_again, undo
from usage.models import DrainState, Import, Lease
from usage.rollups.rebuild import follow_zone
from usage.rollups.retention import PAUSE_SECONDS, LeaseLost, Slices, first_kept_day, move_events_from

log = logging.getLogger(__name__)

SPAN = timedelta(seconds=5)  # of the lease; each batch extends it, and a run that was killed holds it no longer
ALIVE = timedelta(seconds=30)  # after its last sign of life a drain counts as gone
PATIENCE_S = 45  # for retention, or for such a lease
OBJECTS = 50_000  # new ones after which what holds itself is looked for, some megabytes of them; usually 700
UNDOABLE = (Import.State.RUNNING, Import.State.DONE, Import.State.UNDOING)
PRICES, ALIASES = "prices", "aliases"  # what an import takes besides events, if it is asked to


class Busy(Exception):
    """Retention, another import or a merge is at work."""


@contextmanager
def held(patience: float = PATIENCE_S) -> Iterator[Slices]:
    """The right to import or to undo: one at a time, and no retention meanwhile. Raises Busy."""
    until = time.monotonic() + patience
    while (lease := Lease.take("retention", SPAN)) is None:
        if time.monotonic() > until:
            raise Busy("Retention, another import or a merge of labels is running: try again when it is done.")
        time.sleep(0.5)
    try:
        follow_zone()
        yield Slices(lease, _pause, SPAN)
    except LeaseLost:
        raise Busy("This run stood still for so long that another one began: run it again.") from None
    finally:
        lease.release()


def _pause(seconds):
    """Between transactions: a drain on SQLite looks every 100 ms whether it is its turn."""
    if connection.vendor == "sqlite" and DrainState.objects.filter(heartbeat_at__gte=timezone.now() - ALIVE).exists():
        time.sleep(PAUSE_SECONDS)


def run_all(files: list[tuple[Import, Path]], tell: Callable[[Import], object], seconds: float = inf) -> bool:
    """Import files, one after another, from where their jobs stopped, for about so many seconds; whether there is more
    to do.

    One that turns out to be no whole file ends as refused: then nothing of it is left, and the others go on. Days older
    than the kept detail become totals at the end: those of all these files together, each request once. Raises Busy,
    and django.db.Error when the database is away; then the jobs can be run again.
    """
    gc.freeze()  # what is loaded by now stays: to look through it again and again takes an eighth of the time
    gc.set_threshold(OBJECTS)  # and a batch is rows that go by themselves: to look through them takes a tenth
    until = time.monotonic() + seconds
    with held() as slices:
        for job, path in files:  # another process may have ended, undone or begun it again while this one waited
            if _is(job, Import.State.RUNNING) and _store(job, path, slices, tell, until):
                return True
        files = [(job, path) for job, path in files if _is(job, Import.State.RUNNING)]
        together = [job.id for job, _ in files]
        for job, _ in files:
            close_days(job, slices, together)
        price_all(slices.hold)  # a model may have been reached over another route since it was looked up
        slices.hold()
        for job, path in files:
            with suppress(Refused, OSError):  # the file has gone meanwhile; what it held is stored
                take_offers(open_source(path), job.takes)
            cost, unpriced = cost_of(job, slices.hold)
            _end(job, Import.State.RUNNING, Import.State.DONE, position=job.end, cost=cost, unpriced=unpriced)
    return False


def _is(job, state):
    job.refresh_from_db()
    return job.state == state


def _store(job, path, slices, tell, until) -> bool:
    """Store what the job has not stored yet; returns whether there is more to do."""
    try:
        source = open_source(path)
        _begin(job, source, slices)
        writer = ImportWriter(job, slices)
        for batch in batches(source.items(job.position)):
            writer.take(batch, source.newest_first)
            tell(job)
            if time.monotonic() > until:
                return True
            slices.between(0)
            if not _is(job, Import.State.RUNNING):  # a person undoes it: what is left would be taken back too
                return False
    except (Refused, OSError) as refusal:
        begin_again(job, slices)
        why = Refused.by(refusal)
        found = job.found | {"values": why.values}
        _end(job, Import.State.RUNNING, Import.State.REFUSED, reason=why.sentence, found=found)
    except DetailMoved:
        return True  # it begins again
    return False


def _end(job, before, state, **fields):
    """Nothing more happens by itself, and an uploaded file goes, unless another state has followed meanwhile.

    The state comes first: an import without its file that is still under way would be taken back.
    """
    if not job.turn((before,), state, ended_at=timezone.now(), **fields):
        return
    job.drop_file()
    log.info("Import %d is %s: %d new requests, %d were stored before.", job.id, state, job.events, job.known)


def _begin(job, source, slices):
    """Make sure that what is stored is what the job says, else begin again."""
    if job.first is None and settings.USAGE_RETENTION_DAYS:  # as retention would; it may never have run
        move_events_from(first_kept_day())
    state = DrainState.load()
    moved = job.events_from != state.events_from or waiting(job).count() != job.waiting
    if job.first is not None and (moved or not job.position):
        begin_again(job, slices)
    job.change(events_from=state.events_from, end=source.position_of_end)
    log.info("Import %d goes on at %d of %d.", job.id, job.position, job.end)


def undone(job: Import):
    """Take an import back as a whole. Raises Busy, and django.db.Error; then it can be undone again."""
    with held() as slices:
        if not job.turn(UNDOABLE, Import.State.UNDOING):
            return  # another process has done so meanwhile
        undo(job, slices)
        _end(job, Import.State.UNDOING, Import.State.UNDONE)


def take_offers(source: Source, takes: list[str]):
    """Take the source's prices and names of keys as wanted, where there are none here; the catalogue's come first."""
    if PRICES in takes:
        for found in new_prices(source.prices()):
            rates = {name: value for name, value in found._asdict().items() if name != "model" and value is not None}
            try:
                Model.objects.set_price(found.model, {name: checked_pico(value) for name, value in rates.items()})
            except (ValueError, ValidationError):
                continue  # no price that could be one
    if ALIASES in takes:
        found = new_aliases(source.aliases())
        items = [{"key_id": each.fingerprint, "api_key": each.mask, "alias": each.alias[:255]} for each in found]
        ApiKey.objects.import_items("merge", items)
