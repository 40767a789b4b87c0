"""The house rules, read off the source: imports run one way, files stay small, SQL by hand stays in one file."""

import ast
import re
from importlib import import_module

import pytest
from django.apps import apps

from tests import PROJECT

APPS = {"usage", "catalog", "pricing", "aliases"}
BELOW_USAGE = {"catalog", "pricing", "aliases", "cpa_usage"}
PATH = re.compile(r"-?[a-z]\w*")  # of fields, as the ORM takes it
FOLDERS = sorted(APPS | {"cpa_usage", "scripts", "simulator", "tests"})
PURE = [
    *("usage/records/record.py", "usage/reconcile/bills.py", "usage/time/periods.py"),
    "usage/imports/formats/detect.py",
]
SQL = re.compile(
    r"\b(INSERT\s+(OR|INTO)|UPDATE\s+\S+\s+SET|DELETE\s+FROM|SELECT\s.+?\sFROM)\b", re.IGNORECASE | re.DOTALL
)
HAND_WRITTEN = {
    "usage/ingest/statements.py",  # the statements that measuring asked for
    "usage/ingest/partitions.py",  # Django knows no partitions
    "usage/imports/formats/backup.py",  # reads copies of our own, besides the models of what is in use
    "usage/imports/formats/sqlite.py",  # reads databases of other programs
    "usage/ops/backups.py",  # looks into a copied file, which is no database of the project
    "usage/ops/moving.py",  # copies every row, from tuples
    "usage/imports/looking.py",  # remembers on disk what a file had, in a database of its own
    "usage/rollups/integrity.py",  # asks PostgreSQL about itself
    "usage/models/lookups.py",  # a lookup is written in SQL, a fragment for each database
}
LONGEST = 320


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
        if app in BELOW_USAGE - {"cpa_usage"}:
            assert apps_imported(path) <= {app}, path


def test_the_project_imports_an_app_only_in_the_map_of_addresses():
    assert {path for path in sources() if path.startswith("cpa_usage/") and apps_imported(path)} <= {
        "cpa_usage/urls.py"
    }


def related_names():
    """(names by which models of other apps lead to models of usage, names by which any model does)."""
    upward, others = set(), set()
    for model in apps.get_app_config("usage").get_models():
        for field in model._meta.get_fields():
            if field.is_relation and not field.auto_created:
                names = {field.related_query_name(), field.remote_field.get_accessor_name()}
                (others if field.related_model._meta.app_label == "usage" else upward).update(names)
    return upward, others


def paths_of_fields(tree):
    """(line, what may be a path of fields) of a module: texts, names of keyword arguments and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and PATH.fullmatch(node.value):
            yield node.lineno, node.value
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.value.lineno, node.arg
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr


def reaches_up(path, upward, others):
    """Whether a path of fields leads to a model of usage; a word such as `days` alone means anything."""
    words = path.removeprefix("-").split("__")
    return not upward.isdisjoint(words) or (len(words) > 1 and words[0] in others)


@pytest.mark.parametrize("path", [path for path in sources() if path.split("/")[0] in BELOW_USAGE])
def test_what_is_below_usage_does_not_reach_up_by_fields(path):
    upward, others = related_names()
    tree = ast.parse((PROJECT / path).read_text())
    assert [found for found in paths_of_fields(tree) if reaches_up(found[1], upward, others)] == []


def test_what_reaches_up_by_fields_is_found():
    upward, others = related_names()
    assert "series" in upward and others
    other = min(others)
    source = f"""
models.Sum("series__months__requests"), model.series.all(), rows.filter(model__series__failed=True)
rows.order_by("-series__days__bucket"), queryset.filter({other}__bucket__gte=1)
timedelta(days=1), "a series of models", rows.filter(price_sets__cards=None), month.days
"""
    found = {path for _, path in paths_of_fields(ast.parse(source)) if reaches_up(path, upward, others)}
    assert found == {
        "-series__days__bucket",
        f"{other}__bucket__gte",
        "model__series__failed",
        "series",
        "series__months__requests",
    }


def graph(files):
    """{file: the files of ours that it imports}, imports inside functions counted."""
    return {path: {file for name in imported(path) if (file := file_of(name)) in files} - {path} for path in files}


def test_no_file_imports_itself_by_way_of_others():
    files = {path for path in sources() if path.split("/")[0] in BELOW_USAGE | {"usage"}}
    imports = graph(files)
    while leaves := {path for path, others in imports.items() if not others}:
        imports = {path: others - leaves for path, others in imports.items() if path not in leaves}
    assert imports == {}


# The rooms of usage from the ground up: a file imports its own room and rooms of lower numbers.
FLOORS = {
    name: floor
    for floor, names in enumerate(
        (
            ("time",),
            ("models", "records", "reconcile"),
            ("ingest",),
            ("rollups",),
            ("query",),
            ("analytics",),
            ("requestlogs", "collector", "imports"),
            ("ops",),  # the doctor asks CPA's queue as the drain does
            ("api", "dashboard", "metrics"),
            ("admin", "tasks.py"),
        )
    )
    for name in names
}


def test_the_rooms_of_usage_import_one_way():
    files = {path for path in sources() if path.startswith("usage/")}
    found = []
    for path, others in graph(files).items():
        room = path.split("/")[1]
        for other in others:
            there = other.split("/")[1]
            if room in FLOORS and there in FLOORS and room != there and FLOORS[there] >= FLOORS[room]:
                found.append((path, other))
    assert found == []


def test_no_folder_holds_more_than_15_modules():
    counts = {}
    for path in sources():
        folder, _, name = path.rpartition("/")
        if path.split("/")[0] in BELOW_USAGE | {"usage"} and name != "__init__.py":
            counts[folder] = counts.get(folder, 0) + 1
    assert {folder: count for folder, count in counts.items() if count > 15} == {}


def file_of(name):
    """The file of a dotted name, or of the module it is taken from."""
    for module in (name, name.rpartition(".")[0]):
        for file in (f"{module.replace('.', '/')}.py", f"{module.replace('.', '/')}/__init__.py"):
            if (PROJECT / file).is_file():
                return file
    return None


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


def test_no_file_is_over_320_lines():
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


def test_what_the_installer_imports_is_there():
    """A step that undoes a failed upgrade is run rarely: a name that has moved must not wait for it."""
    script = (PROJECT / "deploy/cpa-usage-install.sh").read_text()
    names = re.findall(r"^(?:.*\")?from (cpa_usage[\w.]*) import (\w+)", script, re.MULTILINE)
    assert len(names) == 5
    for module, name in names:
        assert hasattr(import_module(module), name) or import_module(f"{module}.{name}"), f"{module}.{name}"
