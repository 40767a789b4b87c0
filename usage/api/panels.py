"""What the panels of the dashboard show, over HTTP: the same questions, the same shapes."""

from rest_framework.decorators import api_view

from cpa_usage.http import rest
from usage.analytics.accounts.accounts import Accounts
from usage.analytics.accounts.accounts import accounts as accounts_of
from usage.analytics.breakdowns import Breakdown, Matrix
from usage.analytics.breakdowns import breakdown as breakdown_of
from usage.analytics.breakdowns import matrix as matrix_of
from usage.analytics.comparisons import Comparison
from usage.analytics.comparisons import comparison as comparison_of
from usage.analytics.failures import Failures
from usage.analytics.failures import failures as failures_of
from usage.analytics.latency import Latency, Medians
from usage.analytics.latency import latency as latency_of
from usage.analytics.latency import medians as medians_of
from usage.analytics.pace import Pace
from usage.analytics.pace import pace as pace_of
from usage.analytics.timelines import Timeline
from usage.analytics.timelines import timeline as timeline_of
from usage.analytics.tokenclasses import TokenClasses
from usage.analytics.tokenclasses import token_classes as token_classes_of
from usage.api.answering import answer
from usage.api.forms import BreakdownForm, MatrixForm, TimelineForm
from usage.api.parameters import BY, FILTER, MATRIX, MEASURE
from usage.query.forms import checked


@rest.described(Timeline, parameters=[*FILTER, BY, MEASURE], summary="A measure over time, stacked by a label")
@api_view(["GET"])
def timeline(request):
    """The largest values of the label by name, the others together; hours, days or weeks as the period is long."""
    return answer(request, timeline_of, **checked(TimelineForm(request.GET)).cleaned_data)


@rest.described(Breakdown, parameters=[*FILTER, BY], summary="The period by the values of a label")
@api_view(["GET"])
def breakdown(request):
    """Most tokens first."""
    return answer(request, breakdown_of, **checked(BreakdownForm(request.GET)).cleaned_data)


@rest.described(Matrix, parameters=[*FILTER, *MATRIX], summary="The period by two labels at once")
@api_view(["GET"])
def matrix(request):
    """A cell for each pair of values that occurs."""
    return answer(request, matrix_of, **checked(MatrixForm(request.GET)).cleaned_data)


@rest.described(Comparison, parameters=FILTER, summary="The period and the equal one before it")
@api_view(["GET"])
def comparison(request):
    """The period so far, and as much of the one before."""
    return answer(request, comparison_of)


@rest.described(TokenClasses, parameters=FILTER, summary="Tokens and cost by token class")
@api_view(["GET"])
def token_classes(request):
    """Disjoint classes; together they cost what the period costs."""
    return answer(request, token_classes_of)


@rest.described(Latency, parameters=FILTER, summary="Percentiles of latency and time to first token, by model")
@api_view(["GET"])
def latency(request):
    """Filtered by models alone, whole hours of the period; with any other filter, the events of its last seven days."""
    return answer(request, latency_of)


@rest.described(Medians, parameters=FILTER, summary="Median latency and time to first token over time")
@api_view(["GET"])
def medians(request):
    """By hour, of more than eight days by day."""
    return answer(request, medians_of)


@rest.described(Failures, parameters=FILTER, summary="Why attempts failed")
@api_view(["GET"])
def failures(request):
    """By status and message, the commonest first; of kept events only."""
    return answer(request, failures_of)


@rest.described(Accounts, parameters=FILTER, summary="Accounts with their last day and their quotas")
@api_view(["GET"])
def accounts(request):
    """Usage of the period by account; strips and quotas are those of the present."""
    return answer(request, accounts_of)


@rest.described(Pace, parameters=FILTER, summary="Requests and tokens of the last minute")
@api_view(["GET"])
def pace(request):
    """Of the last minute, in any period."""
    return answer(request, pace_of)
