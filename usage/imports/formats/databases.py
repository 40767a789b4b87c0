"""Databases of other collectors: what their columns mean, and CPA's own figures from theirs."""

from collections.abc import Iterator
from operator import mul

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import Raw

from cpa_usage.keys import fingerprint, mask
from usage.imports.formats.jsonlines import COUNTS
from usage.imports.formats.records import PLAIN, counts_of, encode, of_classes, sent
from usage.imports.formats.source import FoundAlias, FoundPrice, Item, Refused, Source
from usage.imports.formats.sqlite import Database
from usage.records.decoding import Malformed

NEEDED = {"timestamp", "model", "failed", "input_tokens", "output_tokens", "total_tokens"}
MOST = 1e6  # US dollars per million tokens
CLAUDE = {"claudeexecutor", "claude", "anthropic"}  # an executor, or providers of records without one


class EventTables(Source):
    """Events of tables that are alike, in the order of their ids, which are their positions."""

    kept_in = ["usage_events"]
    names: list[str]  # columns beyond those that CPA's fields have their names from
    key_names: tuple[str, str]  # the table of client keys, and the column of their names

    def __init__(self, database: Database):
        self._database = database
        self._tables = [table for table in self.kept_in if table in database.tables]
        if not all(database.tables[table] >= NEEDED for table in self._tables):
            raise Refused(_("The database is of an unknown version: columns of usage_events are missing."))
        counts, ends = zip(*map(database.extent, self._tables), strict=True)
        self.count, self.position_of_end = sum(counts), max(ends)
        self._prices = {price.model: price for price in self._found_prices()}

    def items(self, after: int = 0) -> Iterator[Item]:
        """An item for each event behind a position."""
        for row in self._database.rows(self._tables, [*PLAIN, *COUNTS, *self.names], after):
            try:
                record, cost = self._converted(row, *(row[name] or 0 for name in COUNTS))
                yield Item(row["id"], encode(record), cost, sent=record)
            except Malformed as error:
                yield _unread(row, str(error))
            except (TypeError, ValueError, AttributeError):
                yield _unread(row, _("It is no request as this format has them."))

    def prices(self) -> list[FoundPrice]:
        """One for each model."""
        return list(self._prices.values())

    def aliases(self) -> list[FoundAlias]:
        """Names of client keys; a blank one is none."""
        table, name = self.key_names
        rows = self._database.rows([table], ["api_key", name])
        named = ((row["api_key"], (row[name] or "").strip()) for row in rows if row["api_key"])
        return [FoundAlias(fingerprint(key), mask(key), alias) for key, alias in named if alias]


class Original(EventTables):
    """The original cpa-usage, in Go.

    It stores the input of all but Claude without what a cache holds of it, and did not in its first versions; here it
    gets that again, as CPA sent it. Requests that it took from CPA's usage export are as CPA counted them.
    """

    kind, title = "original", gettext_lazy("the database of cpa-usage in Go")
    left_out = [gettext_lazy("It has no address and program of clients.")]
    names = ["cached_tokens", "fail_status_code", "fail_body", "response_headers"]
    key_names = "api_key_aliases", "alias"

    def _found_prices(self):
        rates = [f"{name}_price_per_1m" for name in ("prompt", "completion", "cache", "cache_write")]
        for row in self._database.rows(["model_price_settings"], ["model", *rates]):
            write = row[rates[3]]
            yield FoundPrice(row["model"], *(_number(row[name]) for name in rates[:3]), write and _number(write))

    def _converted(self, row, into, out, reasoning, total, read, written):  # noqa: PLR0917  COUNTS
        cached, price = row["cached_tokens"] or 0, self._prices.get((row["model"] or "").strip())
        cost = price and _paid(price, into, out, cached, written)
        is_claude = (row["executor_type"] or row["provider"] or "").lower() in CLAUDE
        # Where the total is input and output, the input is whole already, or there was no cache.
        if not is_claude and read + written and total not in {into + out, into + out + reasoning}:
            into += read + written
        names = {"tokens": counts_of(into, out, reasoning, cached, total, read, written)}
        if headers := row.pop("response_headers", None):
            names["response_headers"] = Raw(headers)
        if row["request_service_tier"] == row["service_tier"]:  # it writes what was asked for to both columns
            names["request_service_tier"] = None
        return sent(row, row["fail_status_code"], row["fail_body"], **names), cost


class Keeper(EventTables):
    """cpa-usage-keeper: events and their archive, prices with a factor and rules.

    It stores input with all that a cache holds of it and output with reasoning, whatever CPA sent, and a total that is
    their sum where it knew the executor. Where it did not, the total tells what stands beside.
    """

    kind, title = "keeper", gettext_lazy("the database of cpa-usage-keeper")
    left_out = [
        gettext_lazy(
            "It has no error codes and texts, no response headers, and no cache reads of early Claude records."
        ),
        gettext_lazy("Its names of accounts and rules of prices are not taken over."),
    ]
    kept_in = ["usage_events_archive", "usage_events"]
    names = ["api_group_key", "model_alias", "cached_tokens"]
    key_names = "cpa_api_keys", "key_alias"

    def __init__(self, database: Database):
        self._keys = {row["api_key"] for row in database.rows(["cpa_api_keys"], ["api_key"])}
        self._rules = {}
        super().__init__(database)

    def _found_prices(self):
        names = ("prompt", "completion", "cache_read", "cache_creation")
        if "cache_price_per1_m" in self._database.tables.get("model_price_settings", ()):  # until July 2026
            names = ("prompt", "completion", "cache", "cache_creation")
        rates = [f"{name}_price_per1_m" for name in names]
        columns = ["model_price_setting_id", "key", "value", "multiplier"]
        rules = list(self._database.rows(["model_price_rules"], columns))
        for row in self._database.rows(["model_price_settings"], ["model", "price_multiplier", *rates]):
            factor = 1 if row["price_multiplier"] is None else _number(row["price_multiplier"])
            self._rules[row["model"]] = [rule for rule in rules if rule["model_price_setting_id"] == row["id"]]
            yield FoundPrice(row["model"], *(_number(row[name]) * factor for name in rates))

    def _converted(self, row, into, out, reasoning, total, read, written):  # noqa: PLR0917  COUNTS
        cached, key = row["cached_tokens"] or 0, row["api_group_key"] or ""
        read = read or (cached if cached != written else 0)  # until July 2026 it had some reads as cached alone
        cost = self._cost(row, max(into - read - written, 0), out, read, written)
        # It files requests without a key under the provider, the route or "unknown" in place of the key.
        key = "" if key in {row["provider"], row["endpoint"], "unknown"} - self._keys else key
        if total == into + read + written + out:  # the total says so: input is without cache
            into += read + written
        if total == into + out + reasoning:  # and so: output is without reasoning
            out += reasoning
        uncached = max(into - read - written, 0)
        rest = max(total - uncached - read - written - out, 0)
        out, rest = (out + rest, 0) if out else (out, rest)  # the total knows more of an output that is known
        names = of_classes(uncached, read, written, out, min(reasoning, out), total, rest)
        return sent(row, **names, api_key=key, alias=row["model_alias"]), cost

    def _cost(self, row, *counts):
        """As it computes it: each rule that fits multiplies."""
        price = self._prices.get(row["model"]) or self._prices.get(row["model_alias"])
        cost = price and _paid(price, *counts)
        for rule in self._rules[price.model] if price else ():
            cost *= _number(rule["multiplier"]) if row.get(rule["key"]) == rule["value"] else 1
        return cost


def _unread(row, why):
    row["api_group_key"] = None  # a dead letter is shown with masks for what is called api_key
    return Item(row["id"], encode(row), error=why)


def _number(value):
    """A rate or a factor; 0 for what can be none."""
    return value if isinstance(value, int | float) and 0 <= value < MOST else 0


def _paid(price, *counts):
    """US dollars for input, output, cache reads and cache writes."""
    *rates, write = price[1:]
    return sum(map(mul, counts, (*rates, price.prompt if write is None else write))) / 1e6
