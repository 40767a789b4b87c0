"""What a task costs a person: clicks, and keys."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Locator, Page

PASSWORD = "correct horse"  # of the server that asks for one


class Hand:
    """One hand on the mouse and one on the keyboard of a page; both are counted."""

    def __init__(self, page: Page):
        self.page, self.clicks, self.keys = page, 0, 0

    def click(self, target: str | Locator):
        """Click the first of these that can be seen without scrolling sideways: a finger has no other way to it."""
        found = (self.page.locator(target) if isinstance(target, str) else target).first
        found.wait_for(state="visible")
        assert found.bounding_box()["x"] < self.page.viewport_size["width"], target
        found.click()
        self.clicks += 1

    def press(self, *keys: str):
        """Press the keys one after the other: `Enter`, `g`."""
        for key in keys:
            self.page.keyboard.press(key)
        self.keys += len(keys)

    def type(self, text: str):
        """Type the text, a key a character."""
        self.press(*text)

    def paste(self, text: str):
        """Put the text into the field that has the focus: one stroke."""
        self.page.keyboard.insert_text(text)
        self.keys += 1


@contextmanager
def budget(page: Page, clicks: int = 0, keys: int = 0) -> Iterator[Hand]:
    """A hand for one task; raises AssertionError where it took more clicks or keys, or the page reported an error."""
    hand = Hand(page)
    yield hand
    assert (hand.clicks <= clicks, hand.keys <= keys) == (True, True), (hand.clicks, hand.keys)
    assert page.wrong == []
