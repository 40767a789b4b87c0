"""Every question asked twice: of usage.analytics, and of a list of all records that is simply looked through."""

import random
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from django.db import connection
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pricing.models import Model, PriceSet, RateCard
from tests.usage.made import record, stored
from tests.usage.query.reference import CLASSES, SECOND, Reference, instant, local_date, midnight, said
from usage.analytics.accounts.credentials import credentials
from usage.analytics.analysis import analysis
from usage.analytics.breakdowns import breakdown
from usage.analytics.events.paging import event_page
from usage.analytics.failures import failures
from usage.analytics.health import health
from usage.analytics.options import filter_options
from usage.analytics.overview import overview
from usage.analytics.timelines import timeline
from usage.analytics.tokenclasses import token_classes
from usage.models import DrainState, Event, Quarter
from usage.query.forms import UsageFilterForm
from usage.query.names import grouping_labels
from usage.rollups import retention
from usage.rollups.check import check
from usage.time.periods import CALENDAR_RANGES, day_number

# Days on which clocks change, where they do.
ZONES = {
    "Asia/Shanghai": date(2026, 3, 5),
    "America/New_York": date(2026, 11, 1),
    "Australia/Lord_Howe": date(2026, 10, 4),
    "UTC": date(2026, 3, 1),
    "Asia/Kathmandu": date(2026, 12, 31),
}
DAYS = 6
# Of each zone and state, others in each run; more only cost time once all is right.
EXAMPLES = 12 if connection.vendor == "sqlite" else 6
KEYS = ("", "sk-client-alice-0001", "sk-client-bob-00002")
SOURCES = (("ann@example.com", "a1"), ("bob@example.com", "b2"), ("sk-upstream-0123456789", "c3"))
MODELS = ("priced", "priced", "dated", "unpriced")
ALIASES, EFFORTS, STATUSES = ("x", "y(high)"), ("", "", "high"), (0, 429, 500)
BODIES = ("", " \n", "busy", "busy" + "!" * 200, "busy" + "!" * 300)
PROVIDERS = (("codex", "CodexExecutor"), ("claude", "ClaudeExecutor"), ("", "OpenAICompatExecutor"))


def made_records(zone, day, chance):
    """Some hundred records of six local days, in the order in which they are stored: nearly that of time."""
    first = midnight(day - timedelta(days=DAYS - 2), zone)
    last = midnight(day + timedelta(days=2), zone)
    edges = [midnight(day + timedelta(days=n), zone) for n in range(-3, 2)]
    raws, at = [], first
    while at < last - 1:
        at = min(at + int(chance.expovariate(1 / (2_400 * SECOND))), last - 1)
        raws += attempts_at(at, chance)
    for edge in edges:
        raws += [raw for at in (edge - 1, edge, edge) for raw in attempts_at(at, chance)]
    # A request that fails before midnight and succeeds after it.
    both = {"request_id": "fefefefe", "model": "priced", "alias": "x", "latency_ms": 4000}
    raws += [record(edges[-1] - 3 * SECOND, failed=True, **both), record(edges[-1] + 2 * SECOND, **both)]
    late = raws[:20]
    return [*raws[20:], *late]


def attempts_at(at, chance):
    """One request: an attempt, or up to three of one id."""
    source, auth_index = chance.choice(SOURCES)
    provider, executor = chance.choice(PROVIDERS)
    fields = {
        "model": chance.choice(MODELS),
        "api_key": chance.choice(KEYS),
        "provider": provider,
        "executor_type": executor,
        "request_id": f"{chance.randrange(40):08x}" if chance.random() < 0.7 else "",
        "endpoint": chance.choice(("POST /v1/responses", "POST /v1/messages", "GET /v1/responses")),
        "alias": chance.choice(ALIASES),
        "reasoning_effort": chance.choice(EFFORTS),
        "response_service_tier": chance.choice(("", "", "flex")),
        "source": source,
        "auth_index": auth_index,
        "auth_type": "oauth" if "@" in source else "apikey",
    }
    tries = chance.choice((1, 1, 1, 2, 3))
    return [
        record(
            at + nth * chance.choice((0, SECOND, 50 * SECOND)),
            failed=nth < tries - 1 or chance.random() < 0.2,
            latency_ms=chance.choice((0, 5, 900, 45_000)),
            ttft_ms=chance.choice((0, 4)),
            tokens=made_tokens(chance),
            x_forwarded_for=f"{chance.random()}",
            fail={"status_code": chance.choice(STATUSES), "body": chance.choice(BODIES)},
            **fields,
        )
        for nth in range(tries)
    ]


def made_tokens(chance):
    read, reasoning = chance.randrange(50), chance.randrange(20)
    return {
        "input": read + chance.choice((10, 500, 5000)),
        "cached": read,
        "output": reasoning + chance.randrange(300),
        "reasoning": reasoning,
        "total": chance.choice((0, 700, 9000)),
    }


# --- Prices, set in the database and computed by hand ---------------------------------------------------------------

CARDS = {
    ("priced", None): {("", 0): (2, 7), ("", 1000): (3, 11), ("flex", 0): (1, 3)},
    ("dated", 0): {("", 0): (5, 6)},
    ("dated", 1): {("", 0): (8, 9)},
}


def set_prices(day):
    for (name, offset), cards in CARDS.items():
        model, _ = Model.objects.get_or_create(name=name)
        model.put_set(
            PriceSet(valid_from=begins(day, offset)),
            [
                RateCard(tier=tier, context_over=over, prompt=rate, completion=out)
                for (tier, over), (rate, out) in cards.items()
            ],
        )


def begins(day, offset):
    return None if offset is None else day + timedelta(days=offset)


def priced(day):
    """A function of (record, local date): pico-USD of each token class, None without a price."""

    def price(r, on):
        sets = [(begins(day, n) or date.min, cards) for (name, n), cards in CARDS.items() if name == r.model]
        sets = sorted((since, cards) for since, cards in sets if since <= on)
        if not sets:
            return None
        cards = sets[-1][1]
        tier = r.tier if any(t == r.tier for t, _ in cards) else ""
        over = max(over for t, over in cards if t == tier and (over == 0 or r.input_context > over))
        prompt, completion = cards[tier, over]
        rates = dict.fromkeys(CLASSES, prompt)
        rates |= dict.fromkeys(("output", "reasoning"), completion)
        return {name: getattr(r, name) * rate for name, rate in rates.items()}

    return price


# --- Questions ------------------------------------------------------------------------------------------------------


EXACT = ("auth_index", "provider", "endpoint", "requested_model", "reasoning_effort", "tier")


class Asked:
    """One filter, in the form's parameters and as a condition on records."""

    def __init__(self, **fields):
        self.fields = {name: value for name, value in fields.items() if value}
        self.of_failures = "status" in self.fields or "message" in self.fields
        self.of_events = "message" in self.fields or "request_id" in self.fields

    def __repr__(self):
        return f"Asked(**{self.fields})"

    def admits(self, attempt):
        r, asked = attempt.record, self.fields
        return (
            self.admits_labels(attempt)
            and r.request_id == asked.get("request_id", r.request_id)
            and said(r) == filled(asked.get("message", said(r)))
        )

    def admits_labels(self, attempt):
        r, asked = attempt.record, self.fields
        keys = {"": "unknown", "sk-c****0001": KEYS[1], "sk-c****0002": KEYS[2]}
        values = {name: getattr(r, name) for name in ("model", *EXACT)} | {
            "source": r.source_display,
            "api_key": keys[r.api_key_mask],
            "result": "failed" if r.failed else "success",
            "status": str(r.fail_status_code) if r.failed else None,
        }
        return (r.failed or not self.of_failures) and all(
            value in map(as_shown, listed(asked.get(name, value)))
            and value not in map(as_shown, listed(asked.get(f"not_{name}", [])))
            for name, value in values.items()
        )


def listed(values):
    return values if isinstance(values, list) else [values]


def filled(value):
    return "" if value == "(none)" else value


def as_shown(value):
    return "sk-u****6789" if value == SOURCES[2][0] else filled(value)


def choice_of(*values):
    return st.lists(st.sampled_from(values), max_size=2, unique=True)


filters = st.builds(
    Asked,
    model=choice_of(*set(MODELS)),
    source=choice_of(*(source for source, _ in SOURCES)),
    api_key=choice_of("unknown", *KEYS[1:]),
    result=st.sampled_from(["", "", "success", "failed"]),
    auth_index=st.sampled_from(["", "", "", "a1"]),
    provider=st.sampled_from(["", "", "", "codex"]),
    endpoint=st.sampled_from(["", "", "", "POST /v1/messages"]),
    requested_model=st.sampled_from(["", "", "", "y"]),
    reasoning_effort=st.sampled_from(["", "", "", "high", "(none)"]),
    tier=st.sampled_from(["", "", "", "flex", "(none)"]),
    status=st.sampled_from([*[""] * 6, "429", "0", "404"]),
    message=st.sampled_from([*[""] * 6, "busy", ("busy" + "!" * 200)[:160], "(none)"]),
    request_id=st.sampled_from(["", "", "", "", "00000003", "fefefefe"]),
)
two_labels = st.builds(
    Asked,
    model=choice_of(*set(MODELS)),
    result=st.sampled_from(["", "success", "failed"]),
    provider=st.sampled_from(["", "codex"]),
    tier=st.sampled_from(["", "flex", "(none)"]),
    status=st.sampled_from(["", "", "429", "0"]),
)
VALUES = {
    "model": (*set(MODELS), "no-such-model"),
    "source": [source for source, _ in SOURCES],
    "api_key": ("unknown", *KEYS[1:]),
    "auth_index": ("a1", "b2", "(none)"),
    "result": ("success", "failed"),
    "provider": ("codex", "claude", "(none)"),
    "endpoint": ("POST /v1/messages", "POST /v1/responses", "nothing"),
    "requested_model": ALIASES,
    "reasoning_effort": ("high", "(none)"),
    "tier": ("flex", "(none)"),
    "status": tuple(map(str, STATUSES)),
}
# One label alone, with some values or without some: kept totals answer.
one_label = st.sampled_from([f"{no}{name}" for name in VALUES for no in ("", "not_", "not_")]).flatmap(
    lambda name: st.builds(lambda values: Asked(**{name: values}), choice_of(*VALUES[name.removeprefix("not_")]))
)
excluding = st.builds(
    Asked,
    not_model=choice_of(*VALUES["model"]),
    model=choice_of(*VALUES["model"]),
    not_status=choice_of(*VALUES["status"]),
    not_api_key=choice_of(*VALUES["api_key"]),
    provider=choice_of(*VALUES["provider"]),
)
some_filters = st.one_of(st.just(Asked()), filters, two_labels, one_label, one_label, excluding)


def moments(reference):
    """Moments around everything that has an edge."""
    times = [a.at for a in reference.attempts]
    days = {midnight(a.day, reference.zone) for a in reference.attempts}
    quarters = [a.quarter * SECOND for a in reference.attempts]
    exact = st.sampled_from(sorted({*times, *days, *quarters}))
    return st.one_of(
        st.sampled_from(sorted(days)),
        st.builds(lambda at, by: at + by, exact, st.sampled_from([-1, 0, 0, 1])),
        st.integers(min(times), max(times)),
    )


def periods(reference):
    """Parameters of a range, named or custom."""
    named = st.sampled_from([*CALENDAR_RANGES, "1h", "24h", "168h", "2d", "3d", "7d", "30d", "all"])
    custom = st.lists(moments(reference), min_size=2, max_size=2, unique=True).map(sorted)
    return st.one_of(
        named.map(lambda name: {"range": name}),
        custom.map(lambda pair: {"start": text_of(pair[0]), "end": text_of(pair[1])}),
    )


def text_of(us):
    moment = datetime.fromtimestamp(us // SECOND, ZoneInfo("UTC")) + timedelta(microseconds=us % SECOND)
    return moment.isoformat()


# --- The tests ------------------------------------------------------------------------------------------------------


@pytest.fixture
def made(set_clock, settings):
    """A function that fills the database for a zone and returns the reference."""

    def fill(zone):
        day = ZONES[zone]
        settings.TIME_ZONE, chance = zone, random.Random(zone)
        raws = made_records(zone, day, chance)
        now = midnight(day + timedelta(days=1), zone) + 13 * 3600 * SECOND + 7
        set_clock(now)
        set_prices(day)
        at = 0
        while at < len(raws):
            size = chance.choice((1, 7, 40))
            stored(*raws[at : at + size], arrived=now)
            at += size
        return Reference(raws, zone, now, priced(day))

    return fill


def forget(reference, rows):
    """Let the kept detail begin two days before today; `rows`: remove what is older too, as retention does in time."""
    day = local_date(reference.now, reference.zone) - timedelta(days=2)
    retention.move_events_from(day_number(day))
    reference.events_from = midnight(day, reference.zone)
    assert DrainState.load().events_from == reference.events_from
    if rows:
        Event.objects.filter(timestamp__lt=reference.events_from).delete()
        Quarter.objects.filter(bucket__lt=reference.events_from // SECOND).delete()


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ZONES)
def test_analytics_agrees_with_the_reference(made, zone):
    """While everything is kept, while retention is at work, and once it is done."""
    reference = made(zone)
    agree(reference)
    for removed in (False, True):
        forget(reference, removed)
        agree(reference)


def agree(reference):
    """Ask both of them questions until they differ, or enough were asked."""
    assert list(check()) == []
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # nothing else does in a test's transaction, and without it tables seem empty

    @given(some_filters, periods(reference), moments(reference), st.integers(1, 4), st.sampled_from([1, 3, 20]))
    @settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.explicit, Phase.generate])
    def holds(asked, period, moment, page, size):
        form = UsageFilterForm(asked.fields | period)
        assert form.is_valid(), form.errors
        question = form.usage_filter()
        span = (question.period.start, question.period.end)
        for ask in (overview, analysis, credentials, filter_options):
            assert plain(ask(question)) == getattr(reference, ask.__name__)(asked, *span), ask.__name__
        day = local_date(moment, reference.zone)
        assert plain(health(question, day.year, day)) == reference.health(asked, day.year, day)
        check_pages(question, reference.events(asked, *span), page, size)
        check_panels(question, reference, asked, span)

    holds()


def plain(answer):
    found = msgspec.to_builtins(answer)
    found.pop("generated_at", None)
    return found


def check_pages(question, expected, page, size):
    """One page by its number, and all of them one below the other."""
    found = event_page(question, page, size)
    assert (found.total, found.total_pages) == (len(expected), -(-len(expected) // size))
    page = min(page, max(1, found.total_pages))
    assert rows_of(found) == expected[(page - 1) * size : page * size]
    for nth in range(0, len(expected), max(1, len(expected) // 3)):
        below = event_page(question, 1, size, expected[nth][0])
        assert rows_of(below) == expected[nth + 1 : nth + 1 + size]


def check_panels(question, reference, asked, span):
    """What pages ask beyond the API."""
    for name in grouping_labels():
        rows = {(row.key, row.label): plain_figures(row.figures) for row in breakdown(question, name).rows}
        assert rows == reference.breakdown(asked, *span, name), name
    classes = {row.name: (row.tokens, row.cost) for row in token_classes(question).classes}
    assert classes == reference.tokens(asked, *span)
    reasons = {(row.status, row.message): (row.count, row.last) for row in failures(question).reasons}
    assert reasons == {key: (n, instant(at)) for key, (n, at) in reference.failures(asked, *span).items()}
    for name, measure in (("model", "tokens"), ("api_key", "requests"), ("provider", "cost")):
        layers = {layer.key: layer.total for layer in timeline(question, name, measure).layers}
        field = {"tokens": "total_tokens", "requests": "total", "cost": "cost"}[measure]
        sums = {key: row[field] for (key, _), row in reference.breakdown(asked, *span, name).items()}
        assert layers == pytest.approx({key: total for key, total in sums.items() if total}), name


def plain_figures(figures):
    return {name: value for name, value in plain(figures).items() if not name.startswith("mean_")}


def rows_of(page):
    return [(row.event_key, row.cost, row.final) for row in page.items]
