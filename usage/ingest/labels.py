"""The writer's memory of label sets: from what a record says to the ids of its rows."""

from collections import namedtuple
from collections.abc import Collection, Iterable
from hashlib import blake2b
from operator import attrgetter

import msgspec
from django.db.models import Max

from aliases.models import ApiKey
from pricing.book import Charged
from pricing.models import Model
from usage.ingest.folding import Values, folded, folds
from usage.ingest.statements import insert
from usage.models import Client, Series
from usage.models.labels import OTHER, OTHER_KEY, status_of
from usage.records.record import Names

REMEMBERED = 10_000  # label sets, models and clients; all are forgotten when there are more
INSTANCE = ""  # which CPA: there is one for now

KEY, MASK = map(Names.__struct_fields__.index, ("api_key", "api_key_mask"))

# Of a record: its names, the price step its input exceeds and the hour its price begins at, the status it ended with.
Met = tuple[tuple, int, int, int]


class Labels(namedtuple("Labels", [field.name for field in Series._meta.concrete_fields[3:]])):
    """Everything a Series row holds but its id, digest and instance, with names instead of ids."""

    __slots__ = ()

    @classmethod
    def of(cls, names: tuple, context_over: int, clock: int, status: int):
        """The label set of records with these names and labels of PriceBook; `status` is their status code."""
        values = dict(zip(Names.__struct_fields__, names, strict=True)) | {"context_over": context_over, "clock": clock}
        values["status"] = status_of(values["failed"], status)
        return cls(*(values[name] for name in cls._fields))

    def digest(self) -> bytes:
        """What makes the label set unique: a hash over all of it, in a form no two sets share."""
        return digest_of(self if self.clock else self[:-1])  # rows from before there was a clock have this digest

    def charged(self, model_id: int) -> Charged:
        """What the price of the label set depends on."""
        return Charged(**{"model_id": model_id} | {name: getattr(self, name) for name in Charged._fields[1:]})


def digest_of(values) -> bytes:
    """BLAKE2b-128 over a tuple of strings, integers and booleans."""
    return blake2b(msgspec.json.encode(values), digest_size=16).digest()


def labels_of(series) -> dict[int, Labels]:
    """The label sets of a queryset of Series by id."""
    columns = {name: name for name in Labels._fields} | {"model": "model__name", "api_key": "api_key__fingerprint"}
    return {id: Labels(*row) for id, *row in series.order_by().values_list("id", *columns.values())}


def rows_of(labels: Collection[Labels]) -> dict[Labels, int]:
    """The ids of rows of label sets of stored names, or of (other), made where there is none, whatever the limits.

    The caller holds the writers' lock.
    """
    ids = _find(labels)
    missing = [each for each in labels if each not in ids]
    masks = {each.api_key: OTHER if each.api_key == OTHER_KEY else "" for each in missing}
    models = Model.objects.observe({each.model for each in missing})
    return ids | _create(missing, models, ApiKey.objects.observe(masks))


def _find(labels):
    """Ids of the rows that exist already."""
    by_digest = {each.digest(): each for each in labels}
    found = Series.objects.filter(digest__in=list(by_digest)).values_list("id", "digest") if by_digest else ()
    return {by_digest[bytes(digest)]: id for id, digest in found}


def _create(labels, models, keys):
    """Ids of new rows. The writers' lock is held, so all rows after the newest are these."""
    if not labels:
        return {}
    by_digest = {each.digest(): each for each in labels}
    newest = Series.objects.aggregate(newest=Max("id"))["newest"] or 0
    rows = (
        (digest, INSTANCE, *each._replace(model=models[each.model], api_key=keys[each.api_key]))
        for digest, each in by_digest.items()
    )
    insert(Series, list(rows))
    created = Series.objects.filter(id__gt=newest).values_list("id", "digest")
    return {by_digest[bytes(digest)]: id for id, digest in created}


NAMED = [name for name in Labels._fields if name in Names.__struct_fields__]  # the labels that a record has itself


class SeriesMap:
    """From the names of records to Series ids, filled by what the writer meets."""

    def __init__(self):
        self.keys: dict[str, int] = {}
        self.models: dict[str, int] = {}  # of a model without a row of its own the id of (other)
        self.count = Series.objects.count()
        self.values = Values()
        self.others: dict[int, Labels] = {}  # series into which label sets fold
        self.priced_by: dict[int, Charged] = {}
        self._known: dict[Met, int] = {}

    def observe_models(self, names: Iterable[str]):
        """Make sure every model has an id, which decides which price steps label a record; the first ones first."""
        if len(self.models) > REMEMBERED:
            self.models.clear()
        self._add_models(names)

    def _add_models(self, names):
        if missing := [name for name in names if name not in self.models]:
            stored = {name: name if self.values.admits("model", name) else OTHER for name in missing}
            ids = Model.objects.observe(set(stored.values()))
            self.models |= ids | {name: ids[as_name] for name, as_name in stored.items()}

    def ids_of(self, met: list[Met]) -> list[int]:
        """The series id of each; label sets met for the first time get their rows, the first ones first."""
        try:
            return [self._known[each] for each in met]
        except KeyError:
            self._meet(met)
            return [self._known[each] for each in met]

    def rename(self, records, ids: list[int]) -> int:
        """Give records the labels that they are stored under where some went to (other); returns how many did."""
        if not self.others:
            return 0
        found = [(record, self.others[id]) for record, id in zip(records, ids, strict=True) if id in self.others]
        for record, labels in found:
            for name in NAMED:
                setattr(record, name, getattr(labels, name))
        return len(found)

    def _meet(self, met):
        if len(self._known) > REMEMBERED:
            for memory in (self._known, self.others, self.priced_by, self.keys):
                memory.clear()
        new = {each: Labels.of(*each) for each in dict.fromkeys(met) if each not in self._known}
        masks = {names[KEY]: names[MASK] for names, *_ in new} | {OTHER_KEY: OTHER}
        ApiKey.objects.renew_masks(masks)
        stored, ids = self._stored(list(dict.fromkeys(new.values())), masks)
        self._add_models(each.model for each in ids)
        for each, labels in new.items():
            as_labels = stored[labels]
            id = self._known[each] = ids[as_labels]
            self.priced_by[id] = as_labels.charged(self.models[as_labels.model])
            if as_labels != labels:
                self.others[id] = as_labels

    def _stored(self, labels, masks):
        """The label set that each is stored as, and the ids of these. `masks` by fingerprint of a key."""
        ids = _find(labels)
        stored = {each: each for each in ids}
        waiting = {each: self.values.fold(each) for each in labels if each not in ids}
        for most, fields in folds():
            if not waiting:
                break
            wanted = {each: folded(named, fields) for each, named in waiting.items()}
            new = list(dict.fromkeys(each for each in wanted.values() if each not in ids))
            ids |= _find([each for each in new if each not in waiting])  # these have been looked for
            missing = [each for each in new if each not in ids]
            ids |= self._create(missing[: max(most - self.count, 0)], masks)
            stored |= {each: as_labels for each, as_labels in wanted.items() if as_labels in ids}
            waiting = {each: named for each, named in waiting.items() if each not in stored}
        return stored, ids

    def _create(self, labels, masks):
        self._add_models(each.model for each in labels)
        if missing := {each.api_key: masks[each.api_key] for each in labels if each.api_key not in self.keys}:
            self.keys |= ApiKey.objects.observe(missing)
        self.count += len(labels)
        return _create(labels, self.models, self.keys)


client_of = attrgetter("client_ip", "x_forwarded_for", "user_agent")  # of a record, as ClientMap knows it


class ClientMap:
    """(address, forwarded-for, user agent) -> Client id."""

    def __init__(self):
        self.ids: dict[tuple, int] = {}

    def observe(self, clients: set[tuple]):
        """Make sure every client has a row."""
        if len(self.ids) > REMEMBERED:
            self.ids.clear()
        by_digest = {digest_of(client): client for client in clients if client not in self.ids}
        if by_digest and len(self._find(by_digest)) < len(by_digest):
            rows = (Client(digest=d, ip=c[0], forwarded_for=c[1], user_agent=c[2]) for d, c in by_digest.items())
            Client.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
            self._find(by_digest)

    def _find(self, by_digest):
        rows = Client.objects.filter(digest__in=list(by_digest)).values_list("digest", "id")
        found = {by_digest[bytes(digest)]: id for digest, id in rows}
        self.ids.update(found)
        return found
