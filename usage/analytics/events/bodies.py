"""What an upstream's error body says, as text: of JSON its message, of an HTML page its title."""

import re
from html.parser import HTMLParser

from msgspec import DecodeError
from msgspec.json import decode

from usage.records.secrecy import BODY

SAYING = ("message", "error_description", "detail", "msg", "error")  # the first of these that has a text counts
TEXT = re.compile(rf'"({"|".join(SAYING)})"\s*:\s*("(?:[^"\\]|\\.)+)')
JSON = ("{", "[{", "data:", "event:")  # how it begins, in an event stream too
UNSEEN = {"script", "style", "noscript"}


class _Page(HTMLParser):
    """The texts of an HTML page: `title` and the first one of its body."""

    title = first = ""

    def handle_data(self, data):
        text = " ".join(data.split())
        if self.lasttag == "title":
            self.title = self.title or text
        elif self.lasttag not in UNSEEN:
            self.first = self.first or text


def spoken(body: str) -> str:
    """The message of a body of JSON, even one cut off in its middle, the title of an HTML page, else the whole body."""
    start = body[:BODY].strip()
    if start.startswith("<"):
        page = _Page()
        page.feed(start)
        return page.title or page.first or body
    found = dict(reversed(TEXT.findall(start))) if start.startswith(JSON) else {}
    said = next((found[name] for name in SAYING if name in found), None)
    return body if said is None else spoken(_unescaped(said))


def _unescaped(text):
    """The text of a string of JSON without its closing quote."""
    try:
        return decode(f'{text}"', type=str)
    except DecodeError:  # cut off within an escape, or no JSON
        return text[1:]
