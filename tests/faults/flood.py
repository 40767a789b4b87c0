"""A database as a flood of labels leaves it behind: each of so many models, client keys and label sets was used once.

`python -m tests.faults.flood 200000` fills the database that the environment names.
"""

import sys
from collections import defaultdict
from hashlib import blake2b, sha256

STATUS = 429
SPREAD_S = 3 * 86_400  # the time over which it came


def fill(values: int, accounts: int, providers: int, now_s: int):
    """So many models, keys and label sets, of so many accounts and providers; all stored, nothing priced."""
    from django.db import transaction

    with transaction.atomic():
        models, keys = _models(values), _keys(values)
        _accounts(accounts, providers, now_s)
        _usage(_series(models, keys, accounts, providers), now_s)


def _models(count):
    from pricing.models import CatalogueEntry, Model

    _made(Model, (Model(name=f"flooded-model-{n:06}") for n in range(count)))
    ids = list(Model.objects.filter(name__startswith="flooded-").order_by("name").values_list("id", flat=True))
    reason = "The catalogue knows no such model."
    _made(CatalogueEntry, (CatalogueEntry(model_id=id, version="1", reason=reason) for id in ids))
    return ids


def _keys(count):
    from aliases.models import ApiKey

    names = [f"sk-flooded-{n:06}" for n in range(count)]
    rows = (ApiKey(fingerprint=sha256(name.encode()).hexdigest(), mask=f"sk-f****{name[-4:]}") for name in names)
    _made(ApiKey, rows)
    return list(ApiKey.objects.filter(mask__startswith="sk-f****").order_by("id").values_list("id", flat=True))


def _accounts(count, providers, now_s):
    from catalog.models import AuthFile, Provider
    from usage.models import LimitReading

    _made(AuthFile, (AuthFile(auth_index=_index(n), name=f"file-{n}", email=_email(n)) for n in range(count)))
    kind = "openai-compatibility"
    _made(Provider, (Provider(auth_index=f"p{n}", provider_type=kind, name=f"vendor-{n}") for n in range(providers)))
    headers = {"x-codex-primary-used-percent": "12", "x-codex-primary-window-minutes": "300"}
    seen_at = now_s * 10**6
    _made(LimitReading, (LimitReading(auth_index=_index(n), seen_at=seen_at, headers=headers) for n in range(count)))


def _series(models, keys, accounts, providers):
    from usage.ingest.statements import insert
    from usage.models import Series

    rows = []
    for n, (model, key) in enumerate(zip(models, keys, strict=True)):
        failed, account, provider = n % 10 == 0, n % accounts, n % providers
        fields = {
            "digest": _digest(n),
            "instance": "",
            "provider": f"openai-compatible-vendor-{provider}",
            "executor_type": "OpenAICompatExecutor",
            "model": model,
            "requested_model": f"flooded-model-{n:06}",
            "source": _email(account),
            "source_display": _email(account),
            "auth_index": _index(account),
            "auth_type": "oauth",
            "api_key": key,
            "endpoint": f"POST /v1/{provider}",
            "tier": "",
            "context_over": 0,
            "reasoning_effort": f"effort-{provider}",
            "failed": failed,
            "status": STATUS if failed else None,
            "clock": 0,
        }
        rows.append(tuple(fields[field.name] for field in Series._meta.concrete_fields if not field.primary_key))
    insert(Series, rows)
    return list(Series.objects.filter(model_id__in=_range(models)).order_by("id").values_list("id", "failed", "model"))


def _range(ids):
    """As a subquery: a list of so many values is no parameter of SQLite's."""
    from pricing.models import Model

    return Model.objects.filter(id__gte=ids[0], id__lte=ids[-1]).values("id")


def _usage(series, now_s):
    from django.conf import settings

    from usage.ingest.labelvalues import LabelTotals
    from usage.ingest.partitions import Partitions
    from usage.ingest.statements import insert, upsert
    from usage.models import Client, Day, Duration, Event, LabelDay, LabelQuarter, Quarter
    from usage.models.histograms import BUCKETS, bucket_of
    from usage.time.periods import local_day

    client = Client.objects.get_or_create(digest=_digest(-1), defaults={"ip": "203.0.113.9"})[0].pk
    events, quarters, days, durations = [], {}, {}, defaultdict(lambda: [0] * BUCKETS)
    for n, (id, failed, model) in enumerate(series):
        seconds = now_s - 1 - n * SPREAD_S // len(series)
        event = _event(n, id, client, seconds, failed)
        events.append(tuple(event.get(field.name, _blank(field)) for field in _fields(Event)))
        row = _measures(event)
        quarters[seconds // 900 * 900, id] = row
        days[local_day(seconds, settings.TIME_ZONE), id] = row
        if not failed:
            for kind, name in enumerate(("latency_ms", "ttft_ms")):
                durations[seconds // 3600 * 3600, model, kind][bucket_of(event[name])] += 1
    Partitions().cover(event[0] for event in events)
    insert(Event, events)
    totals = LabelTotals()
    for rollup, rows in ((Quarter, quarters), (Day, days)):
        upsert(rollup, rows)
    upsert(LabelQuarter, totals.fold(quarters))
    upsert(LabelDay, totals.fold(days))
    upsert(Duration, durations)


def _event(n, series, client, seconds, failed):
    used = {} if failed else {"uncached": 50 + n % 7, "output": 20 + n % 5, "total": 70 + n % 7 + n % 5}
    said = {"fail_status_code": STATUS, "fail_body": f"busy {n}"} if failed else {"latency_ms": 900, "ttft_ms": 200}
    return {
        "timestamp": seconds * 10**6 + n % 10**6,
        "fingerprint": _digest(n),
        "series": series,
        "client": client,
        "request_id": f"{n:08x}",
        "ended_day": seconds // 86_400,
        "final": True,
        "failed": failed,
        **used,
        **said,
    }


def _measures(event):
    from usage.models import MEASURES

    failed, total = int(event["failed"]), event.get("total", 0)
    counted = {
        "requests": 1,
        "failed": failed,
        "client_requests": 1,
        "client_failed": failed,
        "total": total,
        "uncached": event.get("uncached", 0),
        "output": event.get("output", 0),
        "latency_ms": event.get("latency_ms", 0),
        "latency_count": 1 - failed,
        "ttft_ms": event.get("ttft_ms", 0),
        "ttft_count": 1 - failed,
        "unpriced_tokens": total,
        "unpriced_requests": 1 - failed,
    }
    return [counted.get(name, 0) for name in MEASURES]


def _fields(table):
    return [field for field in table._meta.concrete_fields if not field.primary_key]


def _blank(field):
    return field.get_default() if field.has_default() or field.null else ""


def _made(table, rows):
    table.objects.bulk_create(rows, batch_size=5000)


def _digest(n):
    return blake2b(str(n).encode(), digest_size=16).digest()


def _email(n):
    return f"flooded-{n:05}@example.com"


def _index(n):
    return f"{n:016x}"


if __name__ == "__main__":
    import time

    import django

    django.setup()
    number = int(sys.argv[1])
    fill(number, max(1, number // 10), max(1, number // 40), int(time.time()))
