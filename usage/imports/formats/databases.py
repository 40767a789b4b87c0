"""Databases of other collectors: what their columns mean, and CPA's own figures from theirs."""

from collections.abc import Iterator
from operator import mul

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import Raw, structs

from cpa_usage.keys import fingerprint, mask
from usage.imports.formats.jsonlines import COUNTS
from usage.imports.formats.records import BLANK, FIELDS, Sent, checked, encode, failure, of_classes
from usage.imports.formats.source import FoundAlias, FoundPrice, Item, Refused, Source
from usage.imports.formats.sqlite import Database
from usage.records.decoding import NOTHING, Malformed, TokenCounts
from usage.records.tokens import family

NEEDED = {"timestamp", "model", "failed", "input_tokens", "output_tokens", "total_tokens"}
MOST = 1e6  # US dollars per million tokens
ZEROS = dict.fromkeys((*COUNTS, "cached_tokens"), 0)
CLAUDE = {"claudeexecutor", "claude", "anthropic"}  # an executor, or providers of records without one
SOUND = {"complete", "inconsistent", "unclassified"}  # of breakdowns whose sums held; else it stored CPA's counts


class EventTables(Source):
    """Events of tables that are alike, in the order of their ids, which are their positions."""

    kept_in = ["usage_events"]
    names: list[str]  # columns beyond ZEROS and those that CPA's fields have their names from
    key_names: tuple[str, str]  # the table of client keys, and the column of their names

    def __init__(self, database: Database):
        self._database = database
        self._tables = [table for table in self.kept_in if table in database.tables]
        if not all(database.tables[table] >= NEEDED for table in self._tables):
            raise Refused(_("The database is of an unknown version: columns of usage_events are missing."))
        self.position_of_end = max(map(database.last_id, self._tables))
        self._prices = {price.model: price for price in self._found_prices()}

    def items(self, after: int = 0) -> Iterator[Item]:
        """An item for each event behind a position."""
        names = [*FIELDS, *ZEROS, *self.names]
        for row in self._database.tuples(self._tables, names, after, BLANK | ZEROS):
            try:
                record = Sent(*row[1 : len(FIELDS) + 1])
                record.timestamp, record.failed = record.timestamp.replace(" ", "T", 1), bool(record.failed)
                cost = self._convert(record, *row[len(FIELDS) + 1 :])
                record = checked(record)
                yield Item(row[0], encode(record), cost, sent=record)
            except Malformed as error:
                yield _unread(("id", *names), row, str(error))
            except (TypeError, ValueError, AttributeError):
                yield _unread(("id", *names), row, _("It is no request as this format has them."))

    def prices(self) -> list[FoundPrice]:
        """One price for each model."""
        return list(self._prices.values())

    def aliases(self) -> list[FoundAlias]:
        """Names of client keys; a blank one is none."""
        table, name = self.key_names
        rows = self._database.rows([table], ["api_key", name])
        named = ((row["api_key"], (row[name] or "").strip()) for row in rows if row["api_key"])
        return [FoundAlias(fingerprint(key), mask(key), alias) for key, alias in named if alias]


class Original(EventTables):
    """The original cpa-usage, in Go.

    Of a breakdown of version 2 it stores the classes, since it knows them. Of all other counts it stores the input of
    all but Claude without what a cache holds of it, and did not in its first versions; here it gets that again, as CPA
    sent it. Requests that it took from CPA's usage export are as CPA counted them.
    """

    kind, title = "original", gettext_lazy("the database of cpa-usage in Go")
    left_out = [gettext_lazy("It has no address and program of clients.")]
    names = ["fail_status_code", "fail_body", "accounting_version", "accounting_quality", "unclassified_tokens"]
    key_names = "api_key_aliases", "alias"

    def _found_prices(self):
        rates = [f"{name}_price_per_1m" for name in ("prompt", "completion", "cache", "cache_write")]
        for row in self._database.rows(["model_price_settings"], ["model", *rates]):
            write = row[rates[3]]
            yield FoundPrice(row["model"], *(_number(row[name]) for name in rates[:3]), write and _number(write))

    def _convert(self, record, into, out, reasoning, total, read, written, cached, *own):  # noqa: PLR0917  columns
        price = self._prices.get(record.model.strip())
        cost = price and _paid(price, into, out, cached, written)
        code, body, version, quality, rest = own
        if version == 2 and quality in SOUND:
            counts = into, read, written, out, min(reasoning, out), total, rest or 0
            record.tokens, record.token_breakdown = of_classes(*counts)
        else:
            record.tokens = TokenCounts(into, out, reasoning, cached, total, read, written)
            if not _is_whole(record, record.tokens, read + written):
                record.tokens.input_tokens += read + written
        record.fail = failure(code, body)
        record.response_headers = Raw(record.response_headers) if record.response_headers else NOTHING
        if record.request_service_tier == record.service_tier:  # it writes what was asked for to both columns
            record.request_service_tier = None
        return cost


class Keeper(EventTables):
    """cpa-usage-keeper: events and their archive, prices with a factor and rules.

    It stores input with all that a cache holds of it and output with reasoning, whatever CPA sent, and a total that is
    their sum where it knew the executor. Where it did not, the total shows what it leaves out.
    """

    kind, title = "keeper", gettext_lazy("the database of cpa-usage-keeper")
    left_out = [
        gettext_lazy(
            "It has no error codes and texts, no response headers, and no cache reads of early Claude records."
        ),
        gettext_lazy("Its names of accounts and rules of prices are not taken over."),
    ]
    kept_in = ["usage_events_archive", "usage_events"]
    names = ["api_group_key", "model_alias"]
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

    def _convert(self, record, into, out, reasoning, total, read, written, cached, key, alias):  # noqa: PLR0917  columns
        read = read or (cached if cached != written else 0)  # until July 2026 it had some reads as cached alone
        record.api_key, record.alias, record.response_headers = key or "", alias, NOTHING
        cost = self._cost(record, max(into - read - written, 0), out, read, written)
        # It files requests without a key under the provider, the route or "unknown" in place of the key.
        if key in {record.provider, record.endpoint, "unknown"} - self._keys:
            record.api_key = ""
        if total == into + read + written + out:  # the total says so: input is without cache
            into += read + written
        if total == into + out + reasoning:  # and so: output is without reasoning
            out += reasoning
        uncached = max(into - read - written, 0)
        rest = max(total - uncached - read - written - out, 0)
        out, rest = (out + rest, 0) if out else (out, rest)  # the total knows more of an output that is known
        counts = uncached, read, written, out, min(reasoning, out), total, rest or 0
        record.tokens, record.token_breakdown = of_classes(*counts)
        return cost

    def _cost(self, record, *counts):
        """The cost as keeper computes it: each rule that fits multiplies."""
        price = self._prices.get(record.model) or self._prices.get(record.alias)
        cost = price and _paid(price, *counts)
        for rule in self._rules[price.model] if price else ():
            fields = structs.asdict(record) | {"api_group_key": record.api_key, "model_alias": record.alias}
            cost *= _number(rule["multiplier"]) if fields.get(rule["key"]) == rule["value"] else 1
        return cost


def _is_whole(record, tokens, cache):
    """Whether input is as CPA sent it: of Claude it always is, of all others where the total is input and output."""
    executor, provider, reasoning = record.executor_type or "", record.provider, tokens.reasoning_tokens
    more = tokens.total_tokens - tokens.input_tokens - tokens.output_tokens
    if not more or (executor or provider).lower() in CLAUDE:
        return True
    # Reasoning that the output leaves out; but where it is as large as the cache, the total may hold that instead.
    return more == reasoning and (cache != reasoning or family(executor, provider) == "gemini")


def _unread(names, row, why):
    named = zip(names, row, strict=True)  # a dead letter is shown with masks for what is called api_key
    known = {name: value for name, value in named if value is not None and name != "api_group_key"}
    return Item(row[0], encode(known), error=why)


def _number(value):
    """A rate or a factor; 0 for a value that cannot be one."""
    return value if isinstance(value, int | float) and 0 <= value < MOST else 0


def _paid(price, *counts):
    """US dollars for input, output, cache reads and cache writes."""
    *rates, write = price[1:]
    return sum(map(mul, counts, (*rates, price.prompt if write is None else write))) / 1e6
