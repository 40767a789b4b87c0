"""The conditional answer to a question about what a request's parameters select."""

from cpa_usage.http import rest
from usage.query.forms import filter_of
from usage.query.freshness import freshness


def answer(request, question, **more):
    """The reply of `question(filters, **more)`; 304 when the client has this state of it."""
    filters = filter_of(request)
    state = (question.__name__, *freshness(filters), tuple(more.items()))
    return rest.answer(request, state, lambda: question(filters, **more))
