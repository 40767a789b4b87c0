"""The questions of usage.analytics over HTTP: each is an endpoint, described by what its function says of itself."""

from inspect import getdoc, signature
from typing import Any, NamedTuple, get_type_hints

from django.forms import Form
from django.urls import path
from rest_framework.exceptions import ValidationError

from cpa_usage.http import lists, rest
from usage.analytics import choices
from usage.analytics.accounts.accounts import accounts
from usage.analytics.accounts.credentials import credentials
from usage.analytics.accounts.detail import account
from usage.analytics.analysis import analysis
from usage.analytics.breakdowns import breakdown, matrix
from usage.analytics.comparisons import comparison
from usage.analytics.coverage import coverage
from usage.analytics.events.paging import NoSuchEvent, event_page
from usage.analytics.failures import failures
from usage.analytics.health import health
from usage.analytics.latency import latency, medians
from usage.analytics.options import filter_options
from usage.analytics.overview import overview, pace
from usage.analytics.reports.statements import statement
from usage.analytics.reports.summaries import summary
from usage.analytics.reports.worth import worth
from usage.analytics.timelines import timeline
from usage.analytics.tokenclasses import token_classes
from usage.api.parameters import FILTER, parameters_of
from usage.query.forms import EventsForm, YearForm, checked, filter_of
from usage.query.freshness import freshness
from usage.query.replica import one_choice
from usage.time.clock import now_us
from usage.time.units import MINUTE_US


class Question(NamedTuple):
    """An endpoint below usage/, the function that answers it, and the form of its parameters besides the filter.

    `of_now`: its figures move with the clock, also for a period that is over or while nothing is recorded.
    """

    address: str
    answer: Any
    summary: str
    form: type[Form] = Form
    of_now: bool = False


QUESTIONS = [
    Question("overview", overview, "A period at a glance"),
    Question("summary", summary, "A period in a kilobyte, for a status bar", choices.SummaryForm, of_now=True),
    Question("health", health, "A year of days, and one of them in detail", YearForm),
    Question("analysis", analysis, "Who used which model"),
    Question("credentials", credentials, "Accounts, the busiest first", of_now=True),
    Question("timeline", timeline, "A measure over time, stacked by a label", choices.ChartForm, of_now=True),
    Question("breakdown", breakdown, "The period by the values of a label", choices.BreakdownForm),
    Question("matrix", matrix, "The period by two labels at once", choices.MatrixForm),
    Question("comparison", comparison, "The period and an earlier one", choices.ComparisonForm, of_now=True),
    Question("token-classes", token_classes, "Tokens and cost by token class"),
    Question("coverage", coverage, "How much of the cost is known, and what is not"),
    Question("latency", latency, "Percentiles of latency and time to first token, by model"),
    Question("medians", medians, "Median latency and time to first token over time"),
    Question("failures", failures, "Why attempts failed"),
    Question("accounts", accounts, "Accounts with their last day and their quotas", choices.AccountsForm, of_now=True),
    Question("account", account, "One account in full", choices.AccountForm, of_now=True),
    Question("statement", statement, "The period by day and model, and the list prices behind it"),
    Question("worth", worth, "The month and its forecast, what the cache saved, and what plans yielded", of_now=True),
    Question("pace", pace, "Requests and tokens of the last minute", of_now=True),
    Question("events", event_page, "Attempts, newest first or in another order", EventsForm),
    Question("events/filters", filter_options, "What the period can be filtered by"),
]


def endpoint(question: Question):
    """The address and the view of a question; a client that has the present answer gets a 304."""

    limit = signature(question.answer).parameters.get("limit")

    def view(request):
        chosen = checked(question.form(request.GET)).cleaned_data
        if limit:
            chosen["limit"] = lists.query_of(request, limit.default).limit
        filters = filter_of(request)
        minute = now_us() // MINUTE_US if question.of_now else None
        state = (question.address, *freshness(filters), minute, tuple(chosen.items()))
        try:
            return rest.answer(request, state, lambda: question.answer(filters, **chosen))
        except NoSuchEvent:
            raise ValidationError(
                {"before": "There is no such event: give the event_key of one that is kept."}
            ) from None

    view.__name__, view.__doc__ = question.address.rpartition("/")[2].replace("-", "_"), getdoc(question.answer)
    as_endpoint = rest.endpoint(
        get_type_hints(question.answer)["return"],
        parameters=[*FILTER, *parameters_of(question.form), *([lists.limit_parameter(limit.default)] if limit else [])],
        summary=question.summary,
    )
    return path(f"usage/{question.address}", as_endpoint(one_choice()(view)))
