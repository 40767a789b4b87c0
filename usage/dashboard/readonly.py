"""A page for people who may see it and nothing else: links are plain text, and what changes or loads something is gone.

Made of the finished page, so that no part of it can forget to leave something out.
"""

import json
from html import escape
from html.parser import HTMLParser

from django.conf import settings

DROPPED = {"form", "nav", "footer", "dialog"}
DROPPED_CLASSES = {"top", "notes", "note", "skip", "menu", "pager", "buttons", "edit"}
IDENTIFYING = ("key", "narrow", "drill")  # in the data of a chart
ADDRESSES = {"href", "xlink:href", "src", "srcset", "action", "formaction"}
VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def read_only(page: str, top: str) -> str:
    """The page, with this HTML in the place of its top."""
    parser = _ReadOnly(top)
    parser.feed(page)
    parser.close()
    return "".join(parser.kept)


class _ReadOnly(HTMLParser):
    """Puts a page together again from what of it may stay."""

    def __init__(self, top):
        super().__init__(convert_charrefs=False)
        self.kept, self._top = [], top
        self._dropped, self._depth = "", 0  # the element that is being left out, and how many of its kind are open
        self._data = None  # of a script

    def handle_starttag(self, tag, attrs):
        given, classes = dict(attrs), set((dict(attrs).get("class") or "").split())
        if self._dropped:
            self._depth += tag == self._dropped
        elif tag in DROPPED or classes & DROPPED_CLASSES or "load" in (given.get("hx-trigger") or ""):
            self._dropped, self._depth = ("", 0) if tag in VOID else (tag, 1)
            if "top" in classes:
                self.kept.append(self._top)
        else:
            self._data = [] if given.get("type") == "application/json" else None
            self._keep(tag, attrs)

    def handle_startendtag(self, tag, attrs):
        if not self._dropped:
            self._keep(tag, attrs, " /")

    def handle_endtag(self, tag):
        if self._dropped:
            self._depth -= tag == self._dropped
            self._dropped = self._dropped if self._depth else ""
            return
        if self._data is not None:
            self.kept.append(_without_keys("".join(self._data)))
            self._data = None
        self.kept.append(f"</{tag}>")

    def handle_data(self, data):
        if not self._dropped:
            (self.kept if self._data is None else self._data).append(data)

    def handle_entityref(self, name):
        self.handle_data(f"&{name};")

    def handle_charref(self, name):
        self.handle_data(f"&#{name};")

    def handle_decl(self, decl):
        self.kept.append(f"<!{decl}>")

    def _keep(self, tag, attrs, end=""):
        shown = (f' {name}="{escape(value or "")}"' for name, value in attrs if not _leads(name, value or ""))
        self.kept.append(f"<{tag}{''.join(shown)}{end}>")


def _leads(name, value):
    """Whether an attribute names an address or a part of one: not that of a static file, nor a place on the page."""
    if name.startswith("hx-"):
        return True
    is_address = name in ADDRESSES or (name.startswith("data-") and (value.startswith("/") or "=" in value))
    return is_address and not value.startswith((settings.STATIC_URL, "#"))


def _without_keys(text):
    """The data of a chart, which needs neither what a filter takes for its parts nor an address."""
    found = json.loads(text, object_hook=lambda each: each | {name: "" for name in IDENTIFYING if each.get(name)})
    return json.dumps(found).replace("<", "\\u003C")
