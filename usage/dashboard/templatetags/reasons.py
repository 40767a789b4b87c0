"""Why requests failed: the words of an error body, and the requests that failed like that."""

import re

from django import template

from usage.dashboard.templatetags.figures import narrowed_twice
from usage.models.labels import NONE

MESSAGE = re.compile(r'"message"\s*:\s*"((?:[^"\\]|\\.)+)')
register = template.Library()


@register.simple_tag
def failures_of(query, status, message=None):
    """The query for the failures of a status, or for those with one message."""
    narrower = query.copy()
    if message is not None:
        narrower["message"] = message or NONE
    return narrowed_twice(narrower, "result", "failed", "status", status)


@register.filter
def spoken(body):
    """What an error body says in words: its `message` where it is JSON, even if cut off; else all of it."""
    found = MESSAGE.search(body) if body.lstrip().startswith("{") else None
    return found[1].replace('\\"', '"').replace("\\n", " ") if found else body
