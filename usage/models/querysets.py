"""The vocabulary of reading events and their totals."""

from django.db import connection, models
from django.db.models import Case, CharField, Count, F, Func, IntegerField, OuterRef, Q, Subquery, Sum, Value, When

from usage.models import lookups  # noqa: F401  adds `among`
from usage.models.histograms import EDGES
from usage.time.units import HOUR_US, QUARTER_US

SAID = 160  # characters of a failure's body that tell one reason from another
SPOKEN = Q(fail_status_code__gt=0) | Q(fail_body__gt="")  # has a status or a body: an index of these few events


class AsGiven:
    """Whole numbers as SQLite gives them: Django would make an int of each, which it is."""

    def get_db_converters(self, connection):
        return [] if connection.vendor == "sqlite" else super().get_db_converters(connection)


class Total(AsGiven, Sum):
    """A sum of whole numbers."""


class Number(AsGiven, Count):
    """How many there are."""


class SeriesQuerySet(models.QuerySet):
    """Label sets."""

    def with_digests(self, digests):
        """The series of these digests, wherever they are filtered from."""
        return self.filter(digest__in=digests)

    def matching(self, usage_filter):
        """Series a filter admits."""
        return self.filter(usage_filter.labels)

    def untold(self):
        """Failures of every status in one, as they were stored before the status was a label."""
        return self.filter(failed=True, status=None)

    def last_quarters(self):
        """Pairs of (id, start of the newest quarter hour that is kept, in seconds), one look at an index for each."""
        newest = self.model.quarters.rel.related_model.objects.filter(series=OuterRef("pk")).order_by("-bucket")
        return self.annotate(last=Subquery(newest.values("bucket")[:1])).order_by().values_list("id", "last")


class EventQuerySet(models.QuerySet):
    """Single attempts."""

    def between(self, start, end):
        """Events whose timestamp lies in [start, end) µs; None leaves a side open."""
        # From 0 on is all of them: said so, SQLite takes an index by time for whatever is asked of them.
        return _between(self, "timestamp", start or 0, end)

    def matching(self, usage_filter):
        """Events a filter admits, whatever its period."""
        found = self if usage_filter.admits_all else self.filter(series__in=_series().matching(usage_filter))
        return found.meeting(usage_filter)

    def spoken(self):
        """Failures that have a status or a body."""
        return self.filter(SPOKEN)

    def meeting(self, usage_filter):
        """Events that meet what a filter asks of more than their labels."""
        found = self.filter(usage_filter.events)
        if usage_filter.spoken:
            found = found.spoken()
        if not usage_filter.request_id:
            return found
        return found.of_requests([usage_filter.request_id], self.model.objects.days())

    def of_requests(self, ids, days):
        """Attempts of these request ids that ended on one of these UTC days (since 1970-01-01)."""
        # A set, for Django looks into each member of a list in search of an expression.
        return self.filter(ended_day__among=list(days), request_id__among=set(ids))

    def days(self):
        """The UTC days in which attempts ended, from the first to the last."""
        first, last = self.order_by("ended_day"), self.order_by("-ended_day")
        edges = [found.values_list("ended_day", flat=True).first() for found in (first, last)]
        return range(edges[0], edges[1] + 1) if None not in edges else range(0)

    def newest_first(self):
        """By time; equal times: the newest arrival first."""
        return self.order_by("-timestamp", "-id")

    def measured(self, *by):
        """Rows of (*by, the measures of MEASURES without cost): what a rollup of these events would hold."""
        return self.values_list(*by).annotate(**EVENT_SUMS).values_list(*by, *EVENT_SUMS).order_by()

    def counted_by(self, seconds):
        """Triples of (start of a stretch of so many seconds, events, failed ones)."""
        width = seconds * 1_000_000
        rows = self.annotate(bucket=F("timestamp") / width * seconds).values_list("bucket")
        sums = {"sum_requests": Number("id"), "sum_failed": _flag(series__failed=True)}
        return rows.annotate(**sums).values_list("bucket", *sums).order_by()

    def by_duration(self, column):
        """Quadruples of (hour in seconds, model id, bucket of usage.models.histograms, successes that took so long)."""
        hour, slot = F("timestamp") / HOUR_US * 3600, _slot(column)
        found = self.filter(series__failed=False, **{f"{column}__gt": 0}).annotate(hour=hour, slot=slot)
        by = ("hour", "series__model", "slot")
        return found.values_list(*by).annotate(number=Count("id")).values_list(*by, "number").order_by()

    def by_durations(self):
        """Rows of (model id, bucket of the latency, of the time to first token, successes); None: not measured."""
        by = ("series__model", "latency_slot", "ttft_slot")
        slots = {"latency_slot": _slot("latency_ms"), "ttft_slot": _slot("ttft_ms")}
        found = self.filter(series__failed=False).annotate(**slots).values_list(*by)
        return found.annotate(number=Number("id")).values_list(*by, "number").order_by()

    def by_quarter(self):
        """Adds `bucket`: the quarter of an hour the event counts in, seconds."""
        return self.annotate(bucket=F("timestamp") / QUARTER_US * 900)

    def by_days(self, start, length):
        """Adds `bucket`: where the day began, seconds, of days of `length` seconds from `start` seconds on."""
        return self.annotate(bucket=(F("timestamp") - start * 1_000_000) / (length * 1_000_000) * length + start)


class CutQuerySet(models.QuerySet):
    """What totals are kept ready for."""

    def observe(self, cuts):
        """Ids by (label, value, failed); missing rows are created, whoever else creates them at the same time."""
        found = self._ids_of(cuts)
        if missing := cuts - found.keys():
            rows = [self.model(label=label, value=value, failed=failed) for label, value, failed in missing]
            self.bulk_create(rows, ignore_conflicts=True, batch_size=500)
            found |= self._ids_of(missing)
        return found

    def last_quarters(self):
        """Pairs of (value, start of the newest quarter hour that is kept, in seconds), a look at the key for each."""
        newest = self.model.quarters.rel.related_model.objects.filter(cut=OuterRef("pk")).order_by("-bucket")
        return self.annotate(last=Subquery(newest.values("bucket")[:1])).order_by().values_list("value", "last")

    def of(self, label, values):
        """The cuts of these values of a label."""
        return self.filter(label=label, value__in=values)

    def _ids_of(self, cuts):
        found = self.filter(value__among=sorted({value for _, value, _ in cuts}))
        rows = found.values_list("label", "value", "failed", "id")
        return {tuple(cut): id for *cut, id in rows if tuple(cut) in cuts}


class DurationQuerySet(models.QuerySet):
    """Histograms of durations."""

    def between(self, start, end):
        """Those whose hour begins in [start, end) seconds; None leaves a side open."""
        return _between(self, "bucket", start, end)

    def of_models(self, names):
        """Those of the models of these names; None for all."""
        return self if names is None else self.filter(model__name__in=names)

    def summed(self, *by):
        """Rows of (*by, the count of each bucket)."""
        counts = [field.name for field in self.model._meta.fields if field.name.startswith("n")]
        sums = {f"sum_{name}": Total(name) for name in counts}
        return self.values_list(*by).annotate(**sums).values_list(*by, *sums).order_by()


class RollupQuerySet(models.QuerySet):
    """Totals per bucket and series."""

    def between(self, start, end):
        """Rows whose bucket lies in [start, end); None leaves a side open."""
        return _between(self, "bucket", start, end)

    def matching(self, usage_filter):
        """Rows of series a filter admits."""
        return self if usage_filter.admits_all else self.filter(series__in=_series().matching(usage_filter))

    def matching_in_order(self, usage_filter):
        """The same for sums by bucket: read in the order of the key (bucket, series), which needs no sorting.

        SQLite would take the index by series, and for many series thrice as long: of a sum there is no index.
        PostgreSQL knows how many rows there are, and chooses itself.
        """
        if usage_filter.admits_all or connection.vendor != "sqlite":
            return self.matching(usage_filter)
        return self.annotate(owner=F("series_id") + 0).filter(owner__in=_series().matching(usage_filter).values("id"))

    def of_values(self, label, failed):
        """Rows of the cuts by one label: all attempts of each value, or failures alone."""
        return self.filter(cut__label=label, cut__failed=failed)

    def buckets(self):
        """Every bucket that has a row, once."""
        return self.order_by("bucket").values_list("bucket", flat=True).distinct()

    def measured_by(self, column):
        """Pairs of (the column's value, every measure summed); without a column one pair, its key None."""
        sums = {f"sum_{name}": Total(name) for name in self.model.measures()}
        if column is None:
            return [(None, [total or 0 for total in self.aggregate(**sums).values()])]
        rows = self.values_list(column).annotate(**sums).values_list(column, *sums).order_by()
        return ((row[0], row[1:]) for row in rows)

    def measures_by(self, column):
        """Pairs of (the column's value, every measure) of each row as it stands."""
        return ((row[0], row[1:]) for row in self.values_list(column, *self.model.measures()))

    def counts_by(self, column):
        """Triples of (the column's value, requests, failed) of each row as it stands."""
        return self.order_by().values_list(column, "requests", "failed")


def head():
    """An expression: the beginning of an event's error body. There is an index of it, in these very words."""
    return Func("fail_body", template=f"SUBSTR(%(expressions)s, 1, {SAID})", output_field=CharField())


def said():
    """An expression: the same; nothing for a body of blanks alone."""
    return Case(When(fail_body__regex=r"^\s*$", then=Value("")), default=head())


def _series():
    from usage.models import Series

    return Series.objects


def _between(rows, column, start, end):
    if start is not None:
        rows = rows.filter(**{f"{column}__gte": start})
    if end is not None:
        rows = rows.filter(**{f"{column}__lt": end})
    return rows


def _flag(**condition):
    return Total(Case(When(Q(**condition), then=1), default=0, output_field=IntegerField()))


def _slot(column):
    """The bucket of usage.models.histograms that a duration falls in; None for 0, which is none."""
    shorter = [When(**{f"{column}__lt": edge}, then=bucket) for bucket, edge in enumerate(EDGES)]
    none = When(**{f"{column}__lte": 0}, then=None)
    return Case(none, *shorter, default=len(EDGES), output_field=IntegerField())


# In the order of MEASURES; cost and unpriced tokens depend on prices and are computed from these.
EVENT_SUMS = {
    "sum_requests": Number("id"),
    "sum_failed": _flag(series__failed=True),
    "sum_client_requests": _flag(final=True),
    "sum_client_failed": _flag(final=True, series__failed=True),
    **{
        f"sum_{name}": Total(name)
        for name in ("uncached", "cache_read", "cache_write", "output", "reasoning", "unclassified", "total")
    },
    "sum_latency_ms": Total("latency_ms"),
    "sum_latency_count": _flag(latency_ms__gt=0),
    "sum_ttft_ms": Total("ttft_ms"),
    "sum_ttft_count": _flag(ttft_ms__gt=0),
}
