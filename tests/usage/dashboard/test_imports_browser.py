"""A file that is uploaded by a browser, in pieces; and a new token, for it is copied there."""

import re
import sqlite3
from contextlib import closing

import pytest

from tests.usage.dashboard.browsing import open_page
from tests.usage.made import NOON, record

pytestmark = pytest.mark.sqlite  # a server with a SQLite file of its own
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

# The width of a long label, and of the list that it stands in.
LABEL = """() => {
  const list = document.createElement("dl");
  list.innerHTML = "<dt>Of older days that have totals already, a long label</dt><dd>12</dd>";
  document.querySelector(".import .body").append(list);
  return [list.firstChild.offsetWidth, list.offsetWidth];
}"""


def test_a_large_file_is_uploaded_in_pieces(page, tmp_path):
    path = tmp_path / "usage.jsonl"
    path.write_bytes((record(NOON) + b"\n") * 18_000)
    assert path.stat().st_size > 2 * 4 * 1024 * 1024
    shown = []

    def piece(route):
        button, said = page.locator("[data-upload] button"), page.locator("[data-upload] output")
        shown.append((button.is_disabled(), page.locator("[data-upload] progress").is_visible(), said.inner_text()))
        route.continue_()

    page.route("**/upload/", piece)
    page.goto("system/import/")
    page.set_input_files("input[type=file]", path)
    page.click("text=Upload and check")
    page.wait_for_selector("h2:has-text('usage.jsonl')")
    assert page.locator("text=being looked at").count() == 1
    assert [each[:2] for each in shown] == [(True, True)] * 3
    first, *later = (said for *_, said in shown)
    assert first == "" and all(re.fullmatch(r"[1-9]\d%", said) for said in later)
    label, figures = page.evaluate(LABEL)
    assert label <= 0.37 * figures  # the value has room next to it
    page.click("text=Discard")
    page.wait_for_selector("text=The file is removed.")
    assert page.wrong == []


def test_a_tick_stays_while_the_page_updates_itself(page, prepared, tmp_path):
    path = tmp_path / "first.jsonl"
    path.write_bytes(record(NOON) + b"\n")

    def change(fields):
        with closing(sqlite3.connect(prepared["SQLITE_PATH"])) as database, database:
            database.execute(f"UPDATE usage_import SET {fields} WHERE name = 'first.jsonl'")

    page.goto("system/import/")
    page.set_input_files("input[type=file]", path)
    page.click("text=Upload and check")
    page.wait_for_selector("h2:has-text('first.jsonl')")
    change("""state = 'waiting', found = '{"prices": 3}'""")
    page.goto("system/import/")
    page.evaluate("document.getElementById('imports').dataset.kept = 'yes'")
    page.evaluate("poll()")
    assert page.locator("#imports[data-kept]").count() == 1  # its forms have other tokens, and nothing else is new
    page.get_by_label("prices too").check()
    page.locator("[data-upload] button").focus()
    change("name = 'second.jsonl'")
    page.evaluate("poll()")
    assert page.get_by_label("prices too").is_checked()
    page.get_by_label("prices too").uncheck()
    page.locator("[data-upload] button").focus()
    page.wait_for_selector("h2:has-text('second.jsonl')")
    page.click("text=Discard")
    page.wait_for_selector("text=The file is removed.")
    assert page.wrong == []


def test_a_refusal_stands_in_the_form_and_the_file_can_be_chosen_again(page, tmp_path):
    path = tmp_path / "empty.jsonl"
    path.touch()
    page.goto("system/import/")
    for button, least in ((32, 1440), (44, 390)):
        page.set_viewport_size({"width": least, "height": 900})
        assert page.locator("input[type=file]").bounding_box()["height"] >= button
    page.set_input_files("input[type=file]", path)
    page.click("text=Upload and check")
    page.wait_for_selector("output.bad:has-text('file: The submitted file is empty.')")
    assert page.locator("[data-upload] button").is_enabled()
    assert page.locator("[data-upload] progress").is_hidden()


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_new_token_fits_a_phone_and_is_copied(page, language):
    page.set_extra_http_headers({"Accept-Language": language})
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.set_viewport_size({"width": 320, "height": 900})
    open_page(page, "system/")
    page.click("#tokens summary")
    page.fill("#tokens input[name=name]", "phone")
    page.click("#tokens form:has(input[name=name]) button")
    token = page.locator("#new-token")
    shown, note = token.bounding_box(), page.locator(".note.done").bounding_box()
    assert shown["x"] + shown["width"] < note["x"] + note["width"] and page.evaluate(WIDER) <= 0
    page.click("[data-copy=new-token]")
    assert page.evaluate("navigator.clipboard.readText()") == token.inner_text() != ""
