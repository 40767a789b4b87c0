"""The writer's memory of label sets: from what a record says to the ids of its rows."""

from collections import namedtuple
from hashlib import blake2b
from operator import attrgetter

import msgspec
from django.db.models import Max

from aliases.models import ApiKey
from pricing.book import Charged
from pricing.models import Model
from usage.ingest.statements import insert
from usage.models import Client, Series
from usage.models.labels import status_of
from usage.records.record import Names

SERIES_LIMIT = 50_000  # beyond it new label sets fold into one, so that a flood of names cannot fill the tables
REMEMBERED = 2 * SERIES_LIMIT  # label sets, those that folded included
CLIENTS_REMEMBERED = 20_000
OTHER = "(other)"
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
        """What its price depends on."""
        return Charged(**{"model_id": model_id} | {name: getattr(self, name) for name in Charged._fields[1:]})

    def folded(self):
        """The same attempt without the names that flood. Prices of its provider, account or route find it no more, nor
        that of the requested name; those of its model and client key do.
        """
        names = ("provider", "executor_type", "requested_model", "source", "source_display", "auth_index")
        return self._replace(**dict.fromkeys(names, OTHER), endpoint=OTHER, reasoning_effort="")


def digest_of(values) -> bytes:
    """BLAKE2b-128 over a tuple of strings, integers and booleans."""
    return blake2b(msgspec.json.encode(values), digest_size=16).digest()


class SeriesMap:
    """From the names of records to Series ids, filled by what the writer meets."""

    def __init__(self):
        self.models: dict[str, int] = dict(Model.objects.values_list("name", "id"))
        self.keys: dict[str, int] = dict(ApiKey.objects.values_list("fingerprint", "id"))
        self.count = Series.objects.count()
        self.others: set[int] = set()  # series that many label sets fold into
        self.priced_by: dict[int, Charged] = {}
        self._known: dict[Met, int] = {}

    def observe_models(self, names: set[str]):
        """Make sure every model of `names` has a row; its id decides which price steps label a record."""
        if missing := names - self.models.keys():
            self.models.update(Model.objects.observe(missing))

    def ids_of(self, met: list[Met]) -> list[int]:
        """The series id of each; label sets met for the first time get their rows, the first ones first."""
        try:
            return [self._known[each] for each in met]
        except KeyError:
            self._meet(met)
            return [self._known[each] for each in met]

    def _meet(self, met):
        if len(self._known) > REMEMBERED:
            self._known.clear()
        new = {each: Labels.of(*each) for each in dict.fromkeys(met) if each not in self._known}
        ids = self._rows_of(list(dict.fromkeys(new.values())), {names[KEY]: names[MASK] for names, *_ in new})
        for each, label in new.items():
            id = self._known[each] = ids[label]
            self.priced_by[id] = label.charged(self.models[label.model])

    def _rows_of(self, labels, masks):
        """Ids by label set; what has no row gets one, or past the limit shares one. `masks` by fingerprint of a key."""
        ids = self._find(labels)
        if missing := [label for label in labels if label not in ids]:
            room = max(SERIES_LIMIT - self.count, 0)
            ids |= self._create(missing[:room], masks) | self._fold(missing[room:], masks)
        return ids

    def _find(self, labels):
        """Ids of the rows that exist already."""
        by_digest = {label.digest(): label for label in labels}
        found = Series.objects.filter(digest__in=list(by_digest)).values_list("id", "digest")
        return {by_digest[bytes(digest)]: id for id, digest in found}

    def _create(self, labels, masks):
        """Ids of new rows. The writers' lock is held, so all rows after the newest are these."""
        if not labels:
            return {}
        missing = {label.api_key for label in labels} - self.keys.keys()
        if missing:
            self.keys.update(ApiKey.objects.observe({fingerprint: masks[fingerprint] for fingerprint in missing}))
        by_digest = {label.digest(): label for label in labels}
        newest = Series.objects.aggregate(newest=Max("id"))["newest"] or 0
        insert(Series, [self._row(digest, label) for digest, label in by_digest.items()])
        self.count += len(labels)
        created = Series.objects.filter(id__gt=newest).values_list("id", "digest")
        return {by_digest[bytes(digest)]: id for id, digest in created}

    def _row(self, digest, labels):
        """The values of a Series row, in the order of its fields."""
        fields = labels._replace(model=self.models[labels.model], api_key=self.keys[labels.api_key])
        return (digest, INSTANCE, *fields)

    def _fold(self, labels, masks):
        """Past the limit: send each set to one without the names that flood, of which there are few."""
        folded = {label: label.folded() for label in labels}
        distinct = list(dict.fromkeys(folded.values()))
        ids = self._find(distinct)
        ids |= self._create([each for each in distinct if each not in ids], masks)
        self.others.update(ids.values())
        return {label: ids[each] for label, each in folded.items()}


client_of = attrgetter("client_ip", "x_forwarded_for", "user_agent")  # of a record, as ClientMap knows it


class ClientMap:
    """(address, forwarded-for, user agent) -> Client id."""

    def __init__(self):
        self.ids: dict[tuple, int] = {}

    def observe(self, clients: set[tuple]):
        """Make sure every client has a row."""
        if len(self.ids) > CLIENTS_REMEMBERED:
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
