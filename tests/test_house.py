"""The house rules, read off the source: imports run one way, files stay small, SQL by hand stays in one file."""

import ast
import re

import pytest

from tests import PROJECT

APPS = {"usage", "catalog", "pricing", "aliases"}
FOLDERS = sorted(APPS | {"cpa_usage", "scripts", "simulator", "tests"})
PURE = ["usage/records/record.py", "usage/time/periods.py"]
SQL = re.compile(
    r"\b(INSERT\s+(OR|INTO)|UPDATE\s+\S+\s+SET|DELETE\s+FROM|SELECT\s.+?\sFROM)\b", re.IGNORECASE | re.DOTALL
)
HAND_WRITTEN = {
    "usage/ingest/writer.py",  # the three statements that measuring asked for
    "usage/ops/backups.py",  # looks into a copied file, which is no database of the project
    "usage/rollups/integrity.py",  # asks PostgreSQL about itself
    "usage/models/lookups.py",  # a lookup is written in SQL, a fragment for each database
}
LONGEST = 300


def sources():
    """Every Python file of the project but migrations, by its path from the root."""
    files = [file for folder in FOLDERS for file in sorted((PROJECT / folder).rglob("*.py"))]
    return [str(file.relative_to(PROJECT)) for file in files if file.parent.name != "migrations"]


def imported(path):
    """Dotted names that the file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse((PROJECT / path).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def apps_imported(path):
    return {name.split(".")[0] for name in imported(path)} & APPS


def test_only_usage_imports_other_apps():
    for path in sources():
        app = path.split("/")[0]
        if app in APPS - {"usage"}:
            assert apps_imported(path) <= {app}, path


def test_only_the_map_of_addresses_imports_usage():
    assert {path for path in sources() if path.startswith("cpa_usage/") and "usage" in apps_imported(path)} <= {
        "cpa_usage/urls.py"
    }


def test_the_simulator_stands_alone():
    foreign = APPS | {"cpa_usage", "django", "tests"}
    for path in sources():
        if path.startswith("simulator/"):
            assert {name.split(".")[0] for name in imported(path)}.isdisjoint(foreign), path


def modules_behind(path, seen):
    """The file and all of our own modules that it imports, directly or not."""
    seen.add(path)
    for name in imported(path):
        for module in (name, name.rpartition(".")[0]):
            file = f"{module.replace('.', '/')}.py"
            if file not in seen and (PROJECT / file).is_file():
                modules_behind(file, seen)
    return seen


@pytest.mark.parametrize("path", PURE)
def test_pure_modules_reach_no_model(path):
    for module in modules_behind(path, set()):
        assert not [name for name in imported(module) if name.startswith("django.db") or ".models" in name], module


def test_no_file_is_over_300_lines():
    lengths = {
        path: len((PROJECT / path).read_text().splitlines()) for path in sources() if not path.startswith("tests/")
    }
    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}


def test_sql_by_hand_stays_where_it_is_allowed():
    found = set()
    for path in sources():
        if path.split("/")[0] in APPS | {"cpa_usage"}:
            for node in ast.walk(ast.parse((PROJECT / path).read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value):
                    found.add(path)
    assert found <= HAND_WRITTEN
