"""Spreads made records over many label sets, as a team of many keys, accounts and models makes them."""

import json
import random
from collections.abc import Iterable, Iterator

KEYS, ACCOUNTS, MODELS = 15, 12, 22
EFFORTS = ("", "low", "medium", "high")
STATUSES = (429, 500, 401, 503)
SUCCESSES = KEYS * ACCOUNTS * MODELS * len(EFFORTS)
FAILED_SHARE = 0.1


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
    item |= {
        "api_key": f"sk-bench-key-{key:04}",
        "source": f"account-{account:02}@example.com",
        "auth_index": f"{account:016x}",
        "auth_type": "oauth",
        "model": f"model-{model:02}",
        "alias": f"model-{model:02}",
        "reasoning_effort": EFFORTS[effort],
        "endpoint": "POST /v1/messages",
        "failed": failure > 0,
    }
    if failure:
        item["fail"] = {"status_code": STATUSES[failure % len(STATUSES)], "body": "upstream is busy"}
    else:
        item.pop("fail", None)
    return item
