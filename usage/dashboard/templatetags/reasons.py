"""`{% load reasons %}`: why requests failed."""

import re

from django import template

from usage.dashboard.links import failures_of

MESSAGE = re.compile(r'"message"\s*:\s*"((?:[^"\\]|\\.)+)')
register = template.Library()
register.simple_tag(failures_of)


@register.filter
def spoken(body):
    """The `message` of an error body that is JSON, even one cut off in its middle; else the whole body."""
    found = MESSAGE.search(body) if body.lstrip().startswith("{") else None
    return found[1].replace('\\"', '"').replace("\\n", " ") if found else body
