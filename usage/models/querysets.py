"""The vocabulary of reading events and their totals."""

from functools import reduce
from operator import add, or_

from django.db import models
from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    Count,
    ExpressionWrapper,
    F,
    IntegerField,
    Max,
    Q,
    Sum,
    Value,
    When,
    Window,
)
from django.db.models.functions import Substr

from pricing.tokenclasses import CLASSES
from usage.models import lookups  # noqa: F401  adds `among`
from usage.models.histograms import COUNTS, EDGES
from usage.models.labels import NOT, filtering
from usage.time.units import HOUR_S, HOUR_US, QUARTER_S, QUARTER_US, SECOND_US

MESSAGE_LENGTH = 160  # characters of a failure's body that tell one message from another


def _number_of(**condition):
    return Sum(Case(When(Q(**condition), then=1), default=0, output_field=IntegerField()))


# In the order of COUNTED; the other measures depend on prices and are computed from these.
EVENT_SUMS = {
    "sum_requests": Count("id"),
    "sum_failed": _number_of(failed=True),
    "sum_client_requests": _number_of(final=True),
    "sum_client_failed": _number_of(final=True, failed=True),
    **{f"sum_{name}": Sum(name) for name in (*CLASSES, "total")},
    "sum_latency_ms": Sum("latency_ms"),
    "sum_latency_count": _number_of(latency_ms__gt=0),
    "sum_ttft_ms": Sum("ttft_ms"),
    "sum_ttft_count": _number_of(ttft_ms__gt=0),
    "sum_without_tokens": _number_of(failed=False, total=0, **dict.fromkeys(CLASSES, 0)),
}


class TimedQuerySet(models.QuerySet):
    """Rows of a time each, in the column `time`."""

    time = "bucket"

    def between(self, start, end):
        """Rows whose time lies in [start, end); None leaves a side open."""
        found = self if start is None else self.filter(**{f"{self.time}__gte": start})
        return found if end is None else found.filter(**{f"{self.time}__lt": end})

    def newest(self, *by):
        """Rows of (*by, the newest time)."""
        return self.values_list(*by).annotate(newest=Max(self.time)).values_list(*by, "newest").order_by()

    def sums_of(self, names, *by):
        """Rows of (*by, each of these measures summed)."""
        sums = {f"sum_{name}": Sum(name) for name in names}
        return self.values_list(*by).annotate(**sums).values_list(*by, *sums).order_by()


class SeriesQuerySet(models.QuerySet):
    """Label sets."""

    def matching(self, usage_filter):
        """Series that have one of the wanted values, or none of the unwanted, of every label that a filter names."""
        found, labels = self, filtering()
        for name, values in usage_filter.labels:
            condition = Q(**{f"{labels[name].column}__in": values})
            found = found.filter(~condition if name.startswith(NOT) else condition)
        return found

    def with_group(self):
        """Adds `group`: the key of usage.models.labels.group_of."""
        return self.annotate(group=_group(""))


class EventQuerySet(TimedQuerySet):
    """Single attempts."""

    time = "timestamp"

    def between(self, start, end):
        """Events whose timestamp lies in [start, end) µs; None leaves a side open."""
        # With a lower bound SQLite takes the index by time whatever else is filtered by.
        return super().between(start or 0, end)

    def matching(self, usage_filter):
        """Events a filter admits, in any period."""
        found = self
        if usage_filter.labels:
            series = self.model.series.field.related_model.objects.matching(usage_filter)
            found = found.filter(series__in=series)
        if usage_filter.of_failures:
            found = found.filter(failed=True)  # which have an index of their own
        if usage_filter.message is not None:
            found = found.of_message(usage_filter.message)
        if usage_filter.request_id:
            found = found.of_requests([usage_filter.request_id], self.model.objects.days())
        return found

    def with_message(self):
        """Adds `message`: the beginning of the error body, by which failures are grouped."""
        return self.annotate(message=Substr("fail_body", 1, MESSAGE_LENGTH))

    def of_message(self, message):
        """Failures with this `message`."""
        if len(message) < MESSAGE_LENGTH:
            return self.filter(fail_body=message)  # to cut each body is a sixth of PostgreSQL's time
        return self.with_message().filter(message=message)

    def of_requests(self, ids, days):
        """Attempts of these request ids that ended on one of these UTC days (since 1970-01-01)."""
        # A set: Django searches each member of a list for an expression.
        return self.filter(ended_day__among=list(days), request_id__among=set(ids))

    def of_quarters(self, starts):
        """Events of these quarters of an hour (seconds), at least one and no thousand of them."""
        ends = ((start * SECOND_US, (start + QUARTER_S) * SECOND_US) for start in starts)
        return self.filter(reduce(or_, (Q(timestamp__gte=start, timestamp__lt=end) for start, end in ends)))

    def days(self):
        """The UTC days in which attempts ended, from the first to the last."""
        first, last = self.order_by("ended_day"), self.order_by("-ended_day")
        edges = [found.values_list("ended_day", flat=True).first() for found in (first, last)]
        return range(edges[0], edges[1] + 1) if None not in edges else range(0)

    def newest_first(self):
        """Newest first; of equal times the newest arrival first."""
        return self.order_by("-timestamp", "-id")

    def by_quarter(self):
        """Adds `bucket`: the quarter of an hour the event counts in, seconds."""
        return self.annotate(bucket=F("timestamp") / QUARTER_US * QUARTER_S)

    def measured(self, *by):
        """Rows of (*by, the measures of COUNTED): what a rollup of these events would hold."""
        return self.values_list(*by).annotate(**EVENT_SUMS).values_list(*by, *EVENT_SUMS).order_by()

    def counted_by(self, seconds):
        """Triples of (start of a bucket of so many seconds, events, failed ones)."""
        rows = self.annotate(bucket=F("timestamp") / (seconds * SECOND_US) * seconds).values_list("bucket")
        sums = {"n": Count("id"), "bad": _number_of(failed=True)}
        return rows.annotate(**sums).values_list("bucket", *sums).order_by()

    def by_hour(self):
        """Adds `hour`: the start of the hour in which the attempt began, seconds."""
        return self.annotate(hour=F("timestamp") / HOUR_US * HOUR_S)

    def by_durations(self, *by):
        """Rows of (*by, bucket of the latency, of the time to first token, successes); None: not measured."""
        slots = {"latency_slot": _slot("latency_ms"), "ttft_slot": _slot("ttft_ms")}
        found = self.filter(failed=False).annotate(**slots).values_list(*by, *slots)
        return found.annotate(number=Count("id")).values_list(*by, *slots, "number").order_by()


class LabelValueQuerySet(models.QuerySet):
    """Label values whose totals are kept."""

    def observe(self, wanted):
        """Ids by (label, value); missing rows are created, also while another process creates them."""
        found = self._ids_of(wanted)
        if missing := wanted - found.keys():
            rows = [self.model(label=label, value=value) for label, value in missing]
            self.bulk_create(rows, ignore_conflicts=True, batch_size=500)
            found |= self._ids_of(missing)
        return found

    def _ids_of(self, wanted):
        found = self.filter(value__among=sorted({value for _, value in wanted}))
        return {(label, value): id for label, value, id in found.values_list("label", "value", "id")}


class DurationQuerySet(TimedQuerySet):
    """Histograms of durations."""

    def of_models(self, names, others=()):
        """Histograms of the models with these names (None: all), except some others."""
        found = self if names is None else self.filter(model__name__in=names)
        return found.exclude(model__name__in=others) if others else found

    def most_measured(self):
        """Rows of (model id, successes with a latency, how many such rows there are), the most first."""
        sums = {"number": Sum(reduce(add, map(F, COUNTS))), "groups": Window(Count("*"))}
        found = self.filter(kind=self.model.Kind.LATENCY).values_list("model").annotate(**sums)
        return found.order_by("-number", "model").values_list("model", *sums)


class RollupQuerySet(TimedQuerySet):
    """Totals per bucket, of series or of label values."""

    def with_group(self):
        """Adds `group`: the key of usage.models.labels.group_of."""
        return self.annotate(group=_group("series__"))

    def matching(self, usage_filter):
        """Rows of the series a filter admits."""
        if not usage_filter.labels:
            return self
        # Read by time, in the order of the key: there is no index by series. PostgreSQL would read the period once for
        # each series, as that is the second column of the key; given a sum instead of the column, it reads it once.
        wanted = self.model.series.field.related_model.objects.matching(usage_filter).values("id")
        return self.alias(of=ExpressionWrapper(F("series_id") + 0, BigIntegerField())).filter(of__in=wanted)

    def of_label(self, label, values=None, others=()):
        """Rows of the values of a label: of those named, or of all; without some others."""
        found = self.filter(label_value__label=label)
        found = found if values is None else found.filter(label_value__value__in=values)
        return found.exclude(label_value__value__in=others) if others else found

    def buckets(self):
        """Every bucket that has a row, once."""
        return self.order_by("bucket").values_list("bucket", flat=True).distinct()


def _group(path):
    names = [path + name for name in ("api_key__fingerprint", "provider", "endpoint")]
    named = [When(~Q(**{name: ""}), then=F(name)) for name in names]
    return Case(*named, default=Value("unknown"), output_field=CharField())


def _slot(column):
    """The histogram bucket that a duration falls in; None for 0, which was not measured."""
    shorter = [When(**{f"{column}__lt": edge}, then=bucket) for bucket, edge in enumerate(EDGES)]
    none = When(**{f"{column}__lte": 0}, then=Value(None))
    return Case(none, *shorter, default=len(EDGES), output_field=IntegerField())
