"""Databases of other collectors give the tokens and labels of the records that they were made of."""

import sqlite3
from collections import Counter

import pytest

from tests.usage.imports.formats.samples import TOKENS, fields, records_of, sample
from usage.imports.formats import FoundAlias, FoundPrice, Refused, open_source

# What they do not keep; the cache reads of early records of Claude are lost in keeper: it kept none of its "cached".
LOST = {
    "cpa-usage.db": ("client_ip", "user_agent"),
    "keeper.db": ("fail_status_code", "fail_body", "fail_body_length", "cache_read"),
}


def changed(path, *statements):
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return path


@pytest.mark.parametrize("name", LOST)
def test_a_database_gives_the_records_that_it_was_made_of(tmp_path, name):
    sent = records_of(sample("records.jsonl", tmp_path))
    got = records_of(sample(name, tmp_path))
    assert [fields(record, LOST[name]) for record in got] == [fields(record, LOST[name]) for record in sent]
    differing = [before for before, after in zip(sent, got, strict=True) if before.cache_read != after.cache_read]
    assert {record.executor_type for record in differing} <= {""} and len(differing) == (
        14 if name == "keeper.db" else 0
    )


@pytest.mark.parametrize("name", LOST)
def test_a_row_always_gives_the_same_bytes_and_goes_on_behind_a_position(tmp_path, name):
    source = open_source(sample(name, tmp_path))
    items = list(source.items())
    assert items == list(source.items())
    assert list(source.items(items[122].position)) == items[123:]
    assert (len(items), source.position_of_end) == (400, items[-1].position)
    assert not list(tmp_path.glob("*-*"))[1:]  # nothing but the database, whose name has a dash


def test_rows_of_its_first_versions_have_whole_inputs(tmp_path):
    path = sample("cpa-usage.db", tmp_path)
    whole = "input_tokens = input_tokens + cache_read_tokens + cache_creation_tokens"
    style = "executor_type NOT IN ('ClaudeExecutor', '') AND total_tokens != 0"
    before = [[getattr(record, name) for name in TOKENS] for record in records_of(path)]
    changed(path, f"UPDATE usage_events SET {whole} WHERE {style} AND cached_tokens > 0")
    assert [[getattr(record, name) for name in TOKENS] for record in records_of(path)] == before


GEMINI = "'gemini', executor_type = 'GeminiExecutor'"
CODEX = "'codex', executor_type = 'CodexExecutor'"


@pytest.mark.parametrize(
    ("provider", "counts", "accounting", "classes"),
    [  # uncached, out, reasoning, total, read, written; classes: uncached, read, written, output, reasoning, rest
        (GEMINI, (376, 550, 400, 1526, 600, 0), (2, "complete", 0), (376, 600, 0, 150, 400, 0)),
        (GEMINI, (376, 550, 400, 1526, 600, 0), (2, "complete", None), (376, 600, 0, 150, 400, 0)),
        (GEMINI, (0, 0, 0, 1526, 0, 0), (2, "inconsistent", 1526), (0, 0, 0, 0, 0, 1526)),
        (GEMINI, (376, 150, 400, 1526, 600, 0), (0, "legacy", 0), (376, 600, 0, 150, 400, 0)),
        (GEMINI, (376, 150, 400, 1526, 600, 0), (2, "invalid", 0), (376, 600, 0, 150, 400, 0)),
        (GEMINI, (976, 150, 600, 1726, 600, 0), (None, None, None), (376, 600, 0, 150, 600, 0)),
        (CODEX, (1024, 1500, 1024, 3548, 1024, 0), (2, "complete", 0), (1024, 1024, 0, 476, 1024, 0)),
        (CODEX, (1024, 1500, 1024, 3548, 1024, 0), (0, "legacy", 0), (1024, 1024, 0, 476, 1024, 0)),
        (CODEX, (2048, 1500, 1000, 4548, 1024, 0), (None, None, None), (1024, 1024, 0, 1500, 1000, 0)),
    ],
)
def test_the_original_of_today_has_classes_of_breakdowns_and_says_so(tmp_path, provider, counts, accounting, classes):
    names = ("input", "output", "reasoning", "total", "cache_read", "cache_creation")
    told = dict(zip((f"{name}_tokens" for name in names), counts, strict=True)) | {"cached_tokens": counts[4]}
    more = {"accounting_version": "integer", "accounting_quality": "text", "unclassified_tokens": "integer"}
    told |= dict(zip(more, accounting, strict=True))
    values = ", ".join(f"{name} = {'NULL' if value is None else repr(value)}" for name, value in told.items())
    path = changed(
        sample("cpa-usage.db", tmp_path),
        *(f"ALTER TABLE usage_events ADD COLUMN {name} {kind}" for name, kind in more.items()),
        f"UPDATE usage_events SET provider = {provider}, {values} WHERE id = 1",
    )
    found, *_ = records_of(path)
    assert tuple(getattr(found, name) for name in TOKENS if name not in {"cache_write", "cache_write_1h"}) == (
        *classes,
        counts[3],
    )


def test_keeper_of_before_july_2026_has_some_cache_reads_as_cached_alone(tmp_path):
    path = sample("keeper.db", tmp_path)
    before = [[getattr(record, name) for name in TOKENS] for record in records_of(path)]
    changed(
        path,
        "UPDATE usage_events SET cache_read_tokens = 0 WHERE executor_type != 'ClaudeExecutor'",
        "ALTER TABLE model_price_settings RENAME COLUMN cache_read_price_per1_m TO cache_price_per1_m",
        "INSERT INTO model_price_settings VALUES (5, 'gpt-5', 'openai', 1, 10, 0.1, 0, 2, '', '')",
    )
    assert [[getattr(record, name) for name in TOKENS] for record in records_of(path)] == before
    assert open_source(path).prices() == [FoundPrice("gpt-5", 2, 20, 0.2, 0)]


def test_columns_that_an_older_version_lacks_are_blank(tmp_path):
    path = sample("cpa-usage.db", tmp_path)
    changed(path, *(f"ALTER TABLE usage_events DROP COLUMN {name}" for name in ("ttft_ms", "response_headers")))
    assert len(records_of(path)) == 400


def test_a_row_that_cannot_be_read_is_an_error_by_itself(tmp_path):
    path = changed(
        sample("keeper.db", tmp_path),
        "UPDATE usage_events SET timestamp = NULL, api_group_key = 'hush' WHERE id = 7",
    )
    (item,) = (item for item in open_source(path).items() if item.error)
    assert item.position == 7
    assert "hush" not in item.raw.decode()


def test_the_archive_comes_in_the_order_of_ids(tmp_path):
    path = sample("keeper.db", tmp_path)
    before = list(open_source(path).items())
    changed(
        path,
        "INSERT INTO usage_events_archive SELECT id, event_key, api_group_key, provider, endpoint, auth_type,"
        " request_id, client_ip, x_forwarded_for, user_agent, model, model_alias, reasoning_effort, service_tier,"
        " response_service_tier, executor_type, timestamp, source, auth_index, failed, generate, latency_ms, ttft_ms,"
        " input_tokens, output_tokens, reasoning_tokens, cached_tokens, cache_read_tokens, cache_creation_tokens,"
        " total_tokens, created_at FROM usage_events WHERE id % 3 = 0",
        "DELETE FROM usage_events WHERE id % 3 = 0",
    )
    assert list(open_source(path).items()) == before and len(before) == 400


def test_a_log_beside_the_database_is_read(tmp_path):
    path = sample("keeper.db", tmp_path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("UPDATE usage_events SET model = 'from-the-log' WHERE id = 1")
    connection.commit()
    assert records_of(path)[0].model == "from-the-log"
    connection.close()


@pytest.mark.parametrize("name", LOST)
def test_a_copy_that_came_without_its_log_may_lack_requests(tmp_path, name):
    path = sample(name, tmp_path)
    before = open_source(path).left_out
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("DELETE FROM usage_events WHERE id > 100")
    connection.commit()
    assert open_source(path).left_out == before
    alone = tmp_path / "copied.db"
    alone.write_bytes(path.read_bytes())
    connection.close()
    *others, doubt = open_source(alone).left_out
    assert others == before
    assert doubt.startswith("If this file was copied while its program was running")


def test_prices_and_costs_of_the_original(tmp_path):
    source = open_source(sample("cpa-usage.db", tmp_path))
    assert source.prices() == [FoundPrice("gpt-5", 1.25, 10.0, 0.125, None)]
    costs = [(item.record(2 * 10**15), item.cost) for item in source.items()]
    assert {record.model for record, cost in costs if cost is not None} == {"gpt-5"}
    for record, cost in costs:
        if cost is not None:
            written = record.cache_write_unspecified
            assert cost == pytest.approx(
                (
                    1.25 * (record.uncached + written)
                    + 10 * (record.output + record.reasoning)
                    + 0.125 * record.cache_read
                )
                / 1e6
            )


def test_prices_and_costs_of_keeper(tmp_path):
    path = changed(
        sample("keeper.db", tmp_path),
        "INSERT INTO model_price_settings VALUES (5, 'gpt-5', 'openai', 1, 10, 0.1, 0, 2, '', '')",
        "INSERT INTO model_price_rules VALUES (1, 5, 'service_tier', 'priority', 3, '', '')",
    )
    source = open_source(path)
    assert source.prices() == [FoundPrice("gpt-5", 2, 20, 0.2, 0)]
    factors = Counter()
    for item in source.items():
        record = item.record(2 * 10**15)
        assert (item.cost is None) == ("gpt-5" not in {record.model, record.requested_model})
        if item.cost:
            paid = 2 * record.uncached + 20 * (record.output + record.reasoning) + 0.2 * record.cache_read
            factors[round(item.cost * 1e6 / paid, 6)] += 1
            assert item.cost * 1e6 == pytest.approx(paid * (3 if record.service_tier == "priority" else 1))
    assert factors.keys() == {1, 3}


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("cpa-usage.db", "SELECT 1"),
        ("keeper.db", "UPDATE cpa_api_keys SET key_alias = ' Alice laptop ' WHERE api_key = 'dev'"),
    ],
)
def test_names_of_keys(tmp_path, name, statement):
    (alias,) = open_source(changed(sample(name, tmp_path), statement)).aliases()
    assert isinstance(alias, FoundAlias) and alias[1:] == ("***", "Alice laptop")


def test_keeper_has_no_key_where_it_files_a_request_under_another_word(tmp_path):
    path = changed(
        sample("keeper.db", tmp_path),
        "UPDATE usage_events SET api_group_key = provider WHERE id = 1",
        "UPDATE usage_events SET api_group_key = endpoint WHERE id = 2",
        "UPDATE usage_events SET api_group_key = 'unknown' WHERE id = 3",
    )
    assert [record.api_key for record in records_of(path)[:3]] == ["", "", ""]


@pytest.mark.parametrize("price", ["9e999", "-9e999", "'abc'", "x'00'"])
def test_a_price_that_can_be_none_costs_nothing_and_loses_no_event(tmp_path, price):
    column = "prompt_price_per_1m"
    path = changed(sample("cpa-usage.db", tmp_path), f"UPDATE model_price_settings SET {column} = {price}")
    source = open_source(path)
    assert {found.prompt for found in source.prices()} == {0}
    assert len(records_of(path)) == 400
    factor = f"UPDATE model_price_settings SET price_multiplier = {price}"
    assert len(records_of(changed(sample("keeper.db", tmp_path), factor))) == 400


@pytest.mark.parametrize("change", ["id = id - 1000", "id = 'row' || id"])
def test_rows_without_a_number_are_refused(tmp_path, change):
    path = sample("cpa-usage.db", tmp_path)
    columns = "CREATE TABLE spoilt AS SELECT * FROM usage_events"
    changed(path, columns, f"UPDATE spoilt SET {change}", "DROP TABLE usage_events")
    changed(path, "ALTER TABLE spoilt RENAME TO usage_events")
    with pytest.raises(Refused, match="rows of usage_events have no number"):
        open_source(path)


def test_a_cell_of_more_than_32_mb_is_refused_before_it_is_read(tmp_path):
    path = changed(
        sample("cpa-usage.db", tmp_path), "UPDATE usage_events SET fail_body = zeroblob(33 << 20) WHERE id = 7"
    )
    with pytest.raises(Refused, match="The database"):
        records_of(path)
