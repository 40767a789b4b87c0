"""Static files are collected when they changed, and only then."""

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage

from cpa_usage.http.static import collect_changed


@pytest.fixture
def ours(settings, tmp_path):
    """A folder of static files, the only one there is."""
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "page.css").write_text("a { color: red }\n" * 50)
    (folder / "page.css.map").write_text("{}" * 50)
    settings.STATICFILES_DIRS, settings.STATIC_ROOT = [folder], tmp_path / "collected"
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "cpa_usage.http.static.Storage"}}
    return folder


def test_a_second_start_collects_nothing(ours):
    assert [collect_changed(), collect_changed()] == [True, False]


def test_a_changed_file_is_collected_and_the_old_one_goes(ours, settings):
    collect_changed()
    old = staticfiles_storage.stored_name("page.css")
    (ours / "page.css").write_text("b { color: blue }\n" * 50)
    assert collect_changed()
    assert (settings.STATIC_ROOT / "page.css").read_text().startswith("b {")
    assert not (settings.STATIC_ROOT / old).exists()


def test_a_collection_that_was_cut_off_is_made_again(ours, settings):
    collect_changed()
    (settings.STATIC_ROOT / "collected").unlink()
    assert collect_changed()


def test_only_what_pages_link_is_compressed(ours, settings):
    collect_changed()
    name = staticfiles_storage.stored_name("page.css")
    packed = sorted(path.name for path in settings.STATIC_ROOT.iterdir() if path.suffix in (".br", ".gz"))
    assert packed == [f"{name}.br", f"{name}.gz"]
