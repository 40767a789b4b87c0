"""A file that is uploaded by a browser, in pieces."""

import pytest

from tests.usage.made import NOON, record

pytestmark = pytest.mark.sqlite  # a server with a SQLite file of its own


def test_a_large_file_is_uploaded_in_pieces(page, tmp_path):
    path = tmp_path / "usage.jsonl"
    path.write_bytes((record(NOON) + b"\n") * 18_000)
    assert path.stat().st_size > 2 * 4 * 1024 * 1024
    page.goto("system/import/")
    page.set_input_files("input[type=file]", path)
    page.click("text=Upload and look")
    page.wait_for_selector("h2:has-text('usage.jsonl')")
    assert page.locator("text=The file is being uploaded, or waits for a look.").count() == 1
    page.click("text=Discard")
    page.wait_for_selector("text=The file is removed.")
    assert page.wrong == []
