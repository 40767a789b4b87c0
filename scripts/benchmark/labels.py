"""Spreads made records over many label sets, as a team of many keys, accounts and models makes them."""

import json
import random
from collections.abc import Iterable, Iterator

KEYS, ACCOUNTS, MODELS = 15, 12, 22
EFFORTS = ("", "low", "medium", "high")
STATUSES = (429, 500, 401, 503)
PROVIDERS = (("claude", "ClaudeExecutor"), ("codex", "CodexExecutor"), ("gemini", "GeminiExecutor"))
SUCCESSES = KEYS * ACCOUNTS * MODELS * len(EFFORTS)
FAILED_SHARE = 0.1
BELOW_STEPS = {"uncached_tokens": 15_000, "cache_read_tokens": 15_000, "cache_write_tokens": 1_500}  # of any price


def spread(records: Iterable[bytes], labels: int) -> Iterator[bytes]:
    """The records, each with one of so many label sets, drawn evenly; those beyond SUCCESSES are of failures."""
    chance = random.Random(labels)
    for raw in records:
        failed = labels > SUCCESSES and chance.random() < FAILED_SHARE
        place = chance.randrange(SUCCESSES, labels) if failed else chance.randrange(min(labels, SUCCESSES))
        yield json.dumps(_labelled(json.loads(raw), place)).encode()


def _labelled(item, place):
    place, key = divmod(place, KEYS)
    place, account = divmod(place, ACCOUNTS)
    place, model = divmod(place, MODELS)
    failure, effort = divmod(place, len(EFFORTS))
    provider, executor = PROVIDERS[model % len(PROVIDERS)]
    item |= {
        "api_key": f"sk-bench-key-{key:04}",
        "source": f"account-{account:02}@example.com",
        "auth_index": f"{account:016x}",
        "auth_type": "oauth",
        "provider": provider,
        "executor_type": executor,
        "model": f"model-{model:02}",
        "alias": f"model-{model:02}",
        "reasoning_effort": EFFORTS[effort],
        "endpoint": "POST /v1/messages",
        "failed": failure > 0,
    }
    for name in [name for name in item if name == "fail" or name.endswith("service_tier")]:
        del item[name]
    if failure:
        item["fail"] = {"status_code": STATUSES[failure % len(STATUSES)], "body": "upstream is busy"}
    if breakdown := item.get("token_breakdown"):
        _in_one_step(breakdown)
    else:
        item["tokens"] = {}
    return item


def _in_one_step(breakdown):
    """The size of a request's context is a label too: keep it below all steps."""
    into = breakdown["input"]
    into |= {name: into[name] % below for name, below in BELOW_STEPS.items()}
    into["total_tokens"] = sum(into[name] for name in BELOW_STEPS)
    breakdown["total_tokens"] = into["total_tokens"] + breakdown["output"]["total_tokens"]
    breakdown["unclassified_tokens"] = 0
