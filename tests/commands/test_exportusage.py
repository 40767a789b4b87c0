"""manage.py exportusage: the file of the API, on standard output or under its name."""

import pytest
from django.core.management import CommandError


def exported(run, capfdbinary, *words):
    run("exportusage", *words)
    return capfdbinary.readouterr().out


@pytest.mark.parametrize(("kind", "by"), [("csv", ""), ("jsonl", "day,key,model"), ("parquet", "month,account")])
@pytest.mark.usefixtures("month")
def test_it_writes_what_the_api_sends(client, run, tmp_path, kind, by):
    path = tmp_path / f"usage.{kind}"
    run("exportusage", "--range", "7d", "--by", by, "-o", str(path))
    assert path.read_bytes() == b"".join(client.get(f"/api/v1/usage/export?range=7d&format={kind}&by={by}"))
    assert list(tmp_path.iterdir()) == [path]


def test_it_writes_to_standard_output(client, month, run, capfdbinary):
    found = exported(run, capfdbinary, "--range", "7d", "--key", "Alice", "--columns", "api_key_name,model")
    assert found.decode("utf-8-sig").splitlines()[:2] == ["api_key_name,model", "Alice,gpt-5"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--format", "xls"], "--format: Unknown format: use csv, jsonl, parquet, xlsx."),
        (["--columns", "nothing"], "--columns: Unknown nothing: use local_time, event_key,"),
        (["--by", "hour"], "--by: Unknown hour: use day, week, month,"),
        (["-o", "/nowhere/at/all.csv"], "/nowhere/at/all.csv cannot be written: No such file or directory."),
        (["--status", "nine"], "--status: A status is a whole number"),
    ],
)
def test_what_does_not_read_is_refused_in_a_line(month, run, words, sentence):
    with pytest.raises(CommandError) as refused:
        run("exportusage", *words)
    assert str(refused.value).startswith(sentence) and "\n" not in str(refused.value)


def test_what_breaks_off_leaves_the_file_of_before(month, run, tmp_path, monkeypatch):
    path = tmp_path / "usage.csv"
    path.write_text("before")
    monkeypatch.setattr("usage.analytics.exports.tables.newest", lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("exportusage", "-o", str(path))
    assert [each.read_text() for each in tmp_path.iterdir()] == ["before"]
