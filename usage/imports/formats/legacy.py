"""CPA's usage export, until 6.10: one JSON document, usage.apis.<key>.models.<model>.details[], read in one pass.

CPA files the requests of clients without a key under the route, the provider or "unknown" in place of the key.
Equal details are one request: nanoseconds and tokens tell two requests apart, and CPA's own import takes them so too.
"""

import json
import re
from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from usage.imports.formats.jsonlines import Rows
from usage.imports.formats.records import sent
from usage.imports.formats.source import Item, Refused
from usage.imports.formats.text import LONGEST

COUNTS = dict.fromkeys(("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "total_tokens"), 0)
# Strings, whole or cut off, and brackets: a bracket's name is the string before it.
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+("?)|[{}\[\]]', re.DOTALL)
AROUND = {1: '"usage"', 2: '"apis"', 4: '"models"', 6: '"details"'}  # names of the brackets around a detail, by depth
DEEPEST = 64  # brackets in brackets; CPA's go to 9
scan = json.JSONDecoder(strict=False).raw_decode


class LegacyExport(Rows):
    """See the module. A position is behind a detail; to resume, what is before it is read over."""

    kind, title = "cpa-export", gettext_lazy("CPA's usage export")
    left_out = [gettext_lazy("It has no endpoint, provider and asked model, and mostly no ids of requests.")]

    def items(self, after: int = 0) -> Iterator[Item]:
        """The details, in the order of the document."""
        for position, names, raw in self._details():
            if position > after:
                yield self._item(position, raw, names[3], names[5])

    def _converted(self, row, key, model):
        key, model = (scan(name.encode("latin-1").decode())[0].strip() for name in (key, model))
        method, _blank, path = key.partition(" ")
        is_route = path.startswith("/") and method.isupper()
        names = {"tokens": COUNTS | row["tokens"], "model": model, "endpoint": key if is_route else ""}
        names["api_key"] = "" if is_route or key == "unknown" else key
        return sent(row, row.get("status_code"), row.get("error_message"), **names), None, None

    def _details(self):
        """(position, names of all that is around it, its bytes) of each detail.

        Bytes are read as Latin-1, in which each of them is a character: so places in a text are places in the file.
        """
        text, at, opened, names, name, before = "", 0, "", [], "", 0
        for position, block in self._file.blocks():
            text, at = text[at:] + block.decode("latin-1"), 0
            before = position - len(text)
            while (found := _token(text, at, names))[1]:
                token, end = found
                if not names and before + at:  # behind the end of the document
                    break
                if token[0] == '"':
                    name = token
                elif len(token) > 1:
                    yield before + end, names, token.encode("latin-1")
                elif token in "{[" and len(names) < DEEPEST:
                    names.append(name)
                    opened += token
                elif opened[-1:] + token in ("{}", "[]"):
                    names.pop()
                    opened = opened[:-1]
                else:
                    break
                at = end
            if found[1]:
                break
            if names:
                at = text.index(found[0], at) if found[0] else len(text)
            if len(text) - at > LONGEST:
                break
        if names or text[at:].strip():
            raise Refused(_("The file is cut off or damaged, near byte %d."), before + at)


def _token(text, at, names):
    """(string, bracket or whole detail, its end) from there on; its end is 0 where it is not all here."""
    found = TOKEN.search(text, at)
    if found is None:
        return "", 0
    token, end = found[0], 0 if found[1] == "" else found.end()
    if token == "{" and len(names) == 7 and all(names[depth] == name for depth, name in AROUND.items()):
        try:
            end = scan(text, found.start())[1]
        except (ValueError, RecursionError):
            return token, 0
        token = text[found.start() : end]
    return token, end
