"""Static files are collected when they changed, and only then."""

from itertools import chain

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage

from cpa_usage import settings as project
from cpa_usage.http.static import BUNDLES, collect_changed, files_of
from tests import PROJECT


@pytest.fixture
def ours(settings, tmp_path):
    """A folder of static files, the only one there is."""
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "page.css").write_text("a { color: red }\n" * 50)
    (folder / "page.css.map").write_text("{}" * 50)
    settings.STATICFILES_DIRS, settings.STATIC_ROOT = [folder], tmp_path / "collected"
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STORAGES = {**settings.STORAGES, "staticfiles": project.STORAGES["staticfiles"]}
    return folder


def test_a_second_start_collects_nothing(ours):
    assert [collect_changed(), collect_changed()] == [True, False]


def test_a_changed_file_is_collected_and_the_old_one_goes(ours, settings):
    collect_changed()
    old = staticfiles_storage.stored_name("page.css")
    (ours / "page.css").write_text("b { color: blue }\n" * 50)
    assert collect_changed()
    assert (settings.STATIC_ROOT / staticfiles_storage.stored_name("page.css")).read_text().startswith("b {")
    assert not (settings.STATIC_ROOT / old).exists()


def test_an_interrupted_collection_is_repeated(ours, settings):
    collect_changed()
    (settings.STATIC_ROOT / "collected").unlink()
    assert collect_changed()


def test_what_a_release_brings_is_taken_as_it_is(ours, settings):
    settings.STATIC_ROOT.mkdir()
    (settings.STATIC_ROOT / "collected").write_text("release\n")
    assert not collect_changed()


def test_only_files_named_by_their_content_are_kept_and_source_maps_are_not_compressed(ours, settings):
    collect_changed()
    page, source_map = map(staticfiles_storage.stored_name, ("page.css", "page.css.map"))
    kept = {path.name for path in settings.STATIC_ROOT.iterdir()}
    assert kept == {page, f"{page}.br", f"{page}.gz", source_map, "collected", "staticfiles.json"}


def test_what_every_page_loads_is_one_file_a_kind(ours, settings):
    kept = PROJECT / "static" / "usage"
    assert {f"usage/{path.relative_to(kept)}" for path in kept.rglob("*.[cj]s*")} == set(chain(*BUNDLES.values()))
    settings.STATICFILES_DIRS = [PROJECT / "static"]
    assert collect_changed()
    for bundle, parts in BUNDLES.items():
        assert files_of(bundle) == [bundle]
        text = (settings.STATIC_ROOT / staticfiles_storage.stored_name(bundle)).read_text()
        assert all((PROJECT / "static" / part).read_text() in text for part in parts)
    sheet = (settings.STATIC_ROOT / staticfiles_storage.stored_name("usage/pages.css")).read_text()
    assert "@media print {\n" + (kept / "css" / "print.css").read_text() + "}" in sheet


def test_where_files_are_not_collected_a_page_loads_each_by_itself():
    assert files_of("usage/pages.css") == BUNDLES["usage/pages.css"]
